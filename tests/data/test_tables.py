"""Tables: one strict reader, and a sentence for every fault, for both kinds of data."""

import re
from functools import partial

import numpy as np
import pytest
from jaxtyping import TypeCheckError

import plastutor as pt

CHOICES = "animal,trial,choice,reward\na,1,left,0\na,2,right,1\na,3,left,0.5\n"
ACTIVITY = (
    "experiment,step,x_1,x_2,y_a,y_b\n"
    "e,1,0.1,0,0.2,0.3\ne,2,0,1,0.4,0.3\ne,3,0.2,1,0.1,0.9\n"
)
READERS = {
    "choices": (pt.read_choices, CHOICES),
    "activity": (pt.read_activity, ACTIVITY),
}
both = pytest.mark.parametrize("kind", READERS)


def written(tmp_path, content):
    file = tmp_path / "mine.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def arrays(found):
    return [np.asarray(leaf) for leaf in found.experiment if leaf is not None]


# What a sound file may look like, and still be read as the same.
SOUND = {
    "byte-order mark": lambda text: text.encode("utf-8-sig"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old Macintosh line ends": lambda text: text.replace("\n", "\r"),
    "no last line end": str.rstrip,
    "blank lines at the end": lambda text: text + "\n\n",
    "empty rows of a spreadsheet": lambda text: (
        text + "," * text.split("\n")[0].count(",") + "\n"
    ),
    "spaces around fields": lambda text: text.replace(",", " , "),
    "quotes": lambda text: '"' + text.replace(",", '","').replace("\n", '"\n"')[:-1],
    "large letters in line 1": lambda text: (
        text.split("\n")[0].upper() + text[text.index("\n") :]
    ),
    "another column": lambda text: text.replace("\n", ",note\n"),
}


@both
@pytest.mark.parametrize("change", SOUND)
def test_forms_of_a_sound_file(tmp_path, kind, change):
    read, text = READERS[kind]
    plain = arrays(read(written(tmp_path, text)))
    found = arrays(read(written(tmp_path, SOUND[change](text))))
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one, other)


# Fault, what it does to the file, what the sentence says.
FAULTS = {
    "empty": (lambda _: "", "mine.csv is empty; expected the names of the columns"),
    "only blanks": (lambda _: " \n\n", "mine.csv is empty"),
    "no rows": (lambda text: text.split("\n")[0], "has no rows below line 1; expected"),
    "semicolons": (
        lambda text: text.replace(",", ";"),
        "line 1: columns are separated by semicolons; expected commas",
    ),
    "tabs": (lambda text: text.replace(",", "\t"), "line 1: .* separated by tabs"),
    "spreadsheet": (lambda _: b"PK\x03\x04\x14", "is a spreadsheet; expected a CSV"),
    "UTF-16": (lambda text: text.encode("utf-16"), "line 1: the text is in UTF-16"),
    "UTF-16 without a mark": (lambda text: text.encode("utf-16-le"), "in UTF-16"),
    "Windows letters": (
        lambda text: text.replace("3", "\u00e4", 1).encode("cp1252"),
        r"line \d: a character that is not in UTF-8 \(byte 0xe4\); expected",
    ),
    "too long a row": (
        lambda text: text.rstrip() + ",7\n",
        r"line 4: \d fields; expected the \d of line 1. A number needs a point",
    ),
    "too short a row": (
        lambda text: text[: text.rstrip().rindex(",")],
        r"line 4: \d fields; expected the \d of line 1",
    ),
    "open quotes": (
        lambda text: text.rstrip().rsplit(",", 1)[0] + ',"0.5\n',
        "line 4: the quotes cannot be read",
    ),
}


@both
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_form(tmp_path, kind, fault):
    (read, text), (change, sentence) = READERS[kind], FAULTS[fault]
    with pytest.raises(ValueError, match=sentence):
        read(written(tmp_path, change(text)))


NUMBER = {"choices": ("reward", "0.5"), "activity": ("y_b", "0.9")}


@both
@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("high", "is 'high'; expected a number"),
        ("inf", "is 'inf'; expected a number"),
        ('"0,5"', "is '0,5'; expected .* with a point in place of the comma"),
        ("1_0", "is '1_0'; expected a number"),
    ],
)
def test_what_is_no_number(tmp_path, kind, found, sentence):
    (read, text), (column, value) = READERS[kind], NUMBER[kind]
    with pytest.raises(ValueError, match=f"mine.csv, line 4: {column} {sentence}"):
        read(written(tmp_path, text.replace(value, found)))


@both
def test_a_decimal_comma_without_quotes(tmp_path, kind):
    (read, text), (_, value) = READERS[kind], NUMBER[kind]
    with pytest.raises(ValueError, match="line 4: .* A number needs a point"):
        read(written(tmp_path, text.replace(value, value.replace(".", ","))))


@pytest.mark.parametrize(
    ("kind", "old", "new", "sentence"),
    [
        ("choices", "reward", "paid", "line 1: no column reward; found animal, trial"),
        ("choices", "choice", "Trial", "line 1: the column 'trial' is there twice"),
        ("activity", "step", "time", "line 1: no column step; found experiment, time"),
        ("activity", "x_2", "X_1", "line 1: the column 'x_1' is there twice"),
    ],
)
def test_columns(tmp_path, kind, old, new, sentence):
    read, text = READERS[kind]
    with pytest.raises(ValueError, match=sentence):
        read(written(tmp_path, text.replace(old, new, 1)))


@both
def test_no_file_and_a_folder(tmp_path, kind):
    read, text = READERS[kind]
    written(tmp_path, text)
    with pytest.raises(FileNotFoundError, match="that folder: mine.csv"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="is a folder; expected a CSV file"):
        read(tmp_path)


@both
def test_a_file_is_known_again(tmp_path, kind):
    read, text = READERS[kind]
    first, same = (read(written(tmp_path, text)) for _ in range(2))
    other = read(written(tmp_path, text + "\n"))
    assert first.file == "mine.csv" and first.sha256 == same.sha256 != other.sha256


# --- what only a recording can get wrong ----------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("e,3", "e,2", "line 4: experiment 'e' has step 2 already in line 3"),
        ("e,3", "e,0", "line 4: step is 0, after 2; expected 3"),
        ("e,3", "e,5", "line 4: step is 5, after 2; expected 3, since weights change"),
        ("e,3", "e,2.5", "line 4: step is '2.5'; expected a whole number"),
        ("e,3", ",3", "line 4: experiment is ''; expected a name"),
        ("e,3", "f,3", "line 4: experiment 'f' has one step; expected at least"),
        ("0.2,1,0.1", ",1,0.1", "line 4: x_1 is ''; expected a number, and 0 where"),
        ("0.9", "9", "line 4: y_b is '9'; expected 0 to 1, or a tenth .*limits="),
        ("0.9", "-0.2", "line 4: y_b is '-0.2'; expected 0 to 1"),
        ("0.9", "0.3", "lines 2 to 4: y_b is 0.3 throughout; expected a neuron whose"),
        (",y_a,", ",z_a,", None),
        (",x_1,x_2,", ",u_1,u_2,", "no column begins with 'x_'; found .*inputs="),
        ("y_a,y_b", "z_a,z_b", "no column begins with 'y_'; found .*neurons="),
    ],
)
def test_faults_of_a_recording(tmp_path, old, new, sentence):
    file = written(tmp_path, ACTIVITY.replace(old, new, 1))
    if sentence is None:
        assert pt.read_activity(file).ignored == ("z_a",)
        return
    with pytest.raises(ValueError, match=sentence):
        pt.read_activity(file)


@pytest.mark.parametrize("limits", [120, (1, 0), ("0", "1"), [(0, 1), (0, 2)], {}])
def test_limits_are_one_pair_of_numbers(tmp_path, limits):
    with pytest.raises((ValueError, TypeCheckError)) as caught:
        pt.read_activity(written(tmp_path, ACTIVITY), limits=limits)
    # Where annotations are enforced, they refuse what is no pair before we do.
    ours = re.search("expected two numbers, .* for all neurons", str(caught.value))
    assert ours or isinstance(caught.value, TypeCheckError)


def test_columns_are_named_by_one_name_or_by_numbers(tmp_path):
    file = written(tmp_path, ACTIVITY.replace("x_1", "tone").replace("y_a", "12"))
    found = pt.read_activity(file, inputs="Tone", neurons=[12])
    assert (found.inputs, found.neurons) == (("tone",), ("12",))
    assert set(found.ignored) == {"x_2", "y_b"}


def test_columns_without_anything(tmp_path):
    head = ACTIVITY.split("\n")[0]
    silent = [head, "e,1,0.1,0,NA,0.3", "e,2,0,1,,0.3", "e,3,0.2,1,,0.9"]
    with pytest.raises(ValueError, match="lines 2 to 4: y_a is empty throughout"):
        pt.read_activity(written(tmp_path, "\n".join(silent)))
    dark = [head, "e,1,0,0,0.1,0.3", "e,2,0,1,0.2,0.3", "e,3,0,1,0.1,0.9"]
    with pytest.raises(ValueError, match="lines 2 to 4: x_1 is 0 throughout"):
        pt.read_activity(written(tmp_path, "\n".join(dark)))


def test_a_recording_is_read(tmp_path):
    rows = ["Experiment,step,light,sound,reward,Y_1,y_2,note"]
    rows += ["b,7,1,0,0,60,NA,", "b,8,0,0.5,1,120,12,x", "a,1,0,0,0,,0,"]
    rows += ["b,9,0,0,0,0,0,", "a,2,1,1,2,30,126,"]
    file = written(tmp_path, "\n".join(rows))
    found = pt.read_activity(file, inputs=["light", "Sound"], limits=(0, 120))
    assert found.experiments == ("b", "a") and found.ignored == ("note",)
    assert found.inputs == ("light", "sound") and found.neurons == ("y_1", "y_2")
    made = found.experiment
    assert made.valid.tolist() == [[True] * 3, [True, True, False]]
    np.testing.assert_array_equal(made.x[0], [[1, 0], [0, 0.5], [0, 0]])
    np.testing.assert_array_equal(made.reward, [[0, 1, 0], [0, 2, 0]])
    np.testing.assert_allclose(made.activity[0], [[0.5, np.nan], [1, 0.1], [0, 0]])
    np.testing.assert_allclose(made.activity[1, :2], [[np.nan, 0], [0.25, 1.05]])
    assert not made.w0.any() and made.w0.shape == (2, 2, 2)
    text = str(found)
    for part in (
        "2 experiments of 2 to 3 steps",
        "20.0 % of it missing",
        "Reward: yes",
    ):
        assert part in text
    raw = pt.read_activity(file, inputs=["light"], limits=None)
    assert np.nanmax(raw.experiment.activity) == 126 and "sound" in raw.ignored


def test_arguments_of_the_reader(tmp_path):
    read = partial(pt.read_activity, written(tmp_path, ACTIVITY))
    with pytest.raises(ValueError, match="the lower one first"):
        read(limits=(1, 0))
    with pytest.raises(ValueError, match="line 1: no column z; found"):
        read(inputs=["z"])
    with pytest.raises(ValueError, match="expected each column once"):
        read(inputs=["x_1", "y_a"])
