// What makes the figures of this folder move: an expression whose value is an object of
// functions. It touches nothing but the element it is started on, loads nothing, and
// leaves no name behind, so that it also works in Colab's frame and in JupyterLab.
// The simulations are those of `plastutor.simulate`; the tests compare them.
(function () {
  "use strict";
  const TOO_FAR = 1000; // a weight beyond this ends the lines
  const activations = {
    identity: (v) => v,
    sigmoid: (v) => 1 / (1 + Math.exp(-v)),
    tanh: Math.tanh,
  };
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const count = (term, letter) => term.split(letter).length - 1;

  function median(values) {
    const v = [...values].sort((a, b) => a - b);
    const half = v.length >> 1;
    return v.length % 2 ? v[half] : (v[half - 1] + v[half]) / 2;
  }

  // --- from numbers to the paths of the figure ---

  const pixel = ([low, high, first, last], v) =>
    first + ((v - low) / (high - low)) * (last - first);

  function line(axes, points) {
    const at = ([x, y]) =>
      pixel(axes.x, x).toFixed(1) + "," + pixel(axes.y, y).toFixed(1);
    return points.length ? "M" + points.map(at).join("L") : "";
  }

  // A pen stroke for each point: up or down by a height, or a dot of no length.
  function marks(axes, points, height) {
    return points.map(([x, y]) =>
      line(axes, [[x, y]]) + "v" + (-height).toFixed(1)).join("");
  }

  // --- rule terms -> weights ---

  // The weights before the first step and after each; `end` is the step in which one
  // became too large, or null.
  function trajectory(data, theta) {
    const terms = Object.entries(theta).map(([term, coefficient]) =>
      [coefficient, count(term, "x"), count(term, "y"), count(term, "w")]);
    const act = activations[data.activation];
    let w = data.w0;
    const weights = [w];
    for (let t = 0; t < data.x.length; t++) {
      const x = data.x[t];
      const y = act(x.reduce((sum, v, i) => sum + v * w[i], 0));
      w = w.map((v, i) => v + data.rate * terms.reduce((sum, [k, a, b, c]) =>
        sum + k * x[i] ** a * y ** b * v ** c, 0));
      if (!w.every((v) => Math.abs(v) <= TOO_FAR)) return { weights, end: t + 1 };
      weights.push(w);
    }
    return { weights, end: null };
  }

  function showWeights(data, settings) {
    const theta = Object.fromEntries(data.terms.map((term) => [term, settings[term]]));
    const { weights, end } = trajectory(data, theta);
    const last = weights.length - 1;
    const series = {};
    data.w0.forEach((_, i) => {
      const kept = weights.map((w, t) => [t, w[i]]);
      series["weight-" + (i + 1)] = line(data.axes, kept.filter(([t]) =>
        t % data.every === 0 || t === last));
    });
    const size = Math.hypot(...weights[last]).toFixed(2);
    const status = end === null
      ? `The weights stay finite: after ${last} steps their length is ${size}.`
      : `The weights diverge: in step ${end} one passes ${TOO_FAR}, and the lines end.`;
    return { series, status };
  }

  // --- a rule with a purpose ---

  // How long the weights are along a direction of length 1, and across it.
  function alongAndAcross(weights, direction) {
    return weights.map((w) => {
      const along = w.reduce((sum, v, i) => sum + v * direction[i], 0);
      const square = w.reduce((sum, v) => sum + v * v, 0);
      return [Math.abs(along), Math.sqrt(Math.max(square - along * along, 0))];
    });
  }

  function showComponent(data, settings) {
    const theta = Object.fromEntries(data.terms.map((term) => [term, settings[term]]));
    const { weights, end } = trajectory(data, theta);
    const parts = alongAndAcross(weights, data.component);
    const last = parts.length - 1;
    const over = (k) => line(data.axes, parts.map((part, t) => [t, part[k]])
      .filter(([t]) => t % data.every === 0 || t === last));
    const size = Math.hypot(...parts[last]);
    const cosine = size > 0 ? parts[last][0] / size : 0;
    const status = end === null
      ? `In the end the cosine with the component is ${cosine.toFixed(2)}, and the ` +
        `length of the weights ${size.toFixed(2)}.`
      : `The weights diverge: in step ${end} one passes ${TOO_FAR}, and the lines end.`;
    return { series: { along: over(0), across: over(1) }, status };
  }

  // --- rules in a loop ---

  // The weights between two neurons, before the first step and after each: from 1 to 2,
  // from 2 to 1. `end` is the step in which a weight became too large, or null.
  function between(data, theta) {
    const terms = { ff: [], rec: [] };
    for (const name of data.terms) {
      const [projection, term] = name.split("_");
      terms[projection].push([theta[name], ...["x", "y", "w"].map((v) => count(term, v))]);
    }
    const act = activations[data.activation];
    const drive = (pre, w, j) => pre.reduce((sum, v, i) => sum + v * w[i][j], 0);
    const change = (name, pre, post, w) => w.map((row, i) => row.map((v, j) =>
      v + data.rates[name] * terms[name].reduce((sum, [k, a, b, c]) =>
        sum + k * pre[i] ** a * post[j] ** b * v ** c, 0)));
    let { ff, rec } = data.w0;
    let y = [0, 0];
    const weights = [[rec[0][1], rec[1][0]]];
    for (let t = 0; t < data.x.length; t++) {
      const x = data.x[t];
      const now = y.map((_, j) => act(drive(x, ff, j) + drive(y, rec, j)));
      ff = change("ff", x, now, ff);
      rec = change("rec", y, now, rec);
      y = now;
      if (![...ff, ...rec].flat().every((v) => Math.abs(v) <= TOO_FAR))
        return { weights, end: t + 1 };
      weights.push([rec[0][1], rec[1][0]]);
    }
    return { weights, end: null };
  }

  function showLoop(data, settings) {
    const { weights, end } = between(data, settings);
    const last = weights.length - 1;
    const series = {};
    for (const k of [0, 1])
      series["between-" + (k + 1)] = line(data.axes, weights.map((w, t) => [t, w[k]])
        .filter(([t]) => t % data.every === 0 || t === last));
    const [one, two] = weights[last].map((v) => (v + 0).toFixed(2));
    const status = end === null
      ? `After ${last} steps the weight from 1 to 2 is ${one}, that from 2 to 1 is ${two}.`
      : `The weights diverge: in step ${end} one passes ${TOO_FAR}, and the lines end.`;
    return { series, status };
  }

  // --- noise -> coefficients ---

  function showNoise(data, settings) {
    const level = Math.round((settings.noise - data.levels[0]) / data.step);
    const frame = data.frames[settings.fit];
    const found = frame.theta[level].slice(0, settings.sets);
    const [low, high] = data.axes.y;
    const inside = (v) => Math.min(Math.max(v, low), high);
    const dots = [];
    let outside = 0;
    found.forEach((theta, k) => theta.forEach((v, i) => {
      const shift = found.length > 1 ? 0.5 * (k / (found.length - 1) - 0.5) : 0;
      dots.push([i + shift, inside(v)]);
      outside += v < low || v > high;
    }));
    const middle = found[0].map((_, i) => {
      const v = inside(median(found.map((theta) => theta[i])));
      return line(data.axes, [[i - 0.36, v], [i + 0.36, v]]);
    });
    const r2 = median(frame.r2[level].slice(0, settings.sets)).toFixed(2);
    const sets = settings.sets === 1 ? "1 data set" : `${settings.sets} data sets`;
    let status = `Noise ${settings.noise}, ${settings.fit}: in ${sets} the median R2 on ` +
      `new experiments is ${r2}.`;
    if (outside) status += ` ${outside} dots lie beyond the axis, and stand at its end.`;
    return {
      series: { found: marks(data.axes, dots, 0), median: middle.join("") },
      status,
    };
  }

  // --- forgetting -> choices ---

  // Three hexadecimal digits of luck and one of baits for each trial.
  function unpack(packed) {
    return packed.match(/.{4}/g).map((four) => {
      const bait = parseInt(four[3], 16);
      return {
        luck: (parseInt(four.slice(0, 3), 16) + 0.5) / 4096,
        bait: [bait & 1, bait >> 1],
      };
    });
  }

  // One animal: P(A) before each trial, what it chose (0 is A), and its rewards.
  function forage(data, packed, theta) {
    const draws = unpack(packed);
    let w = [0, 0];
    let bait = draws[0].bait;
    let memory = Array(data.window).fill(0);
    const chances = [], choices = [], rewards = [];
    draws.forEach(({ luck }, t) => {
      const accept = w.map((v) => activations.sigmoid(data.input * v));
      const chance = accept[0] / (accept[0] + accept[1]);
      const choice = luck < chance ? 0 : 1;
      const reward = bait[choice];
      const rewardError = reward - mean(memory);
      w = w.map((v, i) => {
        const x = i === choice ? data.input : 0;
        return v + (theta.xr * x * rewardError + theta.w * v) / 2;
      });
      memory = [...memory.slice(1), reward];
      const next = draws[Math.min(t + 1, draws.length - 1)].bait;
      bait = bait.map((left, i) => (i === choice ? 0 : left) | next[i]);
      chances.push(chance);
      choices.push(choice);
      rewards.push(reward);
    });
    return { chances, choices, rewards };
  }

  function flock(data, settings, w) {
    const packed = data.flies.slice(0, settings.flies);
    const runs = packed.map((p) => forage(data, p, { xr: settings.learning, w }));
    const chance = runs[0].chances.map((_, t) => mean(runs.map((run) => run.chances[t])));
    return { runs, chance, reward: mean(runs.flatMap((run) => run.rewards)) };
  }

  function showForgetting(data, settings) {
    const forgets = flock(data, settings, -settings.forgetting);
    const keeps = flock(data, settings, 0);
    const over = (chance) => line(data.axes, chance.map((p, t) => [t, p]));
    const { choices, rewards } = forgets.runs[0];
    const ticks = (paid, height) => choices.map((choice, t) =>
      rewards[t] === paid ? marks(data.axes, [[t, choice ? 0 : 1]],
        choice ? -height : height) : "").join("");
    const lost = (50 * settings.forgetting).toFixed(1);
    const animals = settings.flies === 1 ? "1 fly" : `${settings.flies} flies`;
    return {
      series: {
        "with-forgetting": over(forgets.chance),
        "without-forgetting": over(keeps.chance),
        rewarded: ticks(1, 14),
        unrewarded: ticks(0, 7),
      },
      status: `A weight loses ${lost} % in each trial. ` +
        `Rewards in a trial, mean of ${animals}: ${forgets.reward.toFixed(2)}; ` +
        `without forgetting ${keeps.reward.toFixed(2)}.`,
    };
  }

  // --- memory -> recall ---

  // The phase of each neuron from the stored one, before the first step and after each.
  // What is climbed is `plastutor.memory.log_posterior` of the Gabor rule.
  function recall(data, settings) {
    const stored = data.patterns.slice(0, settings.patterns);
    const n = data.blur.length;
    const omega = (d) => Math.exp(data.sharpness * (Math.cos(d) - 1)) * Math.sin(d);
    const pairs = (f) => stored[0].map((_, i) => stored[0].map((_, j) => f(i, j)));
    const w = pairs((i, j) => stored.reduce((sum, x) => sum + omega(x[i] - x[j]), 0));
    const prior = data.concentration, noise = 1 / settings.blur ** 2;
    const variance = (stored.length - 1) * data.variance;
    const scale = prior + noise + (n - 1) * data.squared / variance;
    const cue = stored[0].map((v, i) => v + settings.blur * data.blur[i]);
    let x = cue.map((v) =>
      Math.atan2(noise * Math.sin(v), prior + noise * Math.cos(v)));
    const short = (d) => Math.atan2(Math.sin(d), Math.cos(d));
    const off = [x.map((v, i) => short(v - stored[0][i]))];
    for (let t = 0; t < data.steps; t++) {
      x = x.map((v, i) => {
        let drive = 0;
        for (let j = 0; j < n; j++) {
          if (j === i) continue;
          const sine = Math.sin(v - x[j]), cosine = Math.cos(v - x[j]);
          const shape = Math.exp(data.sharpness * (cosine - 1));
          drive += (w[i][j] - shape * sine) * shape *
            (cosine - data.sharpness * sine ** 2);
        }
        const climb = drive / variance - prior * Math.sin(v) + noise * Math.sin(cue[i] - v);
        return v + data.dt * climb / scale;
      });
      off.push(x.map((v, i) => short(v - stored[0][i])));
    }
    return off;
  }

  function showRecall(data, settings) {
    const off = recall(data, settings);
    const last = off.length - 1;
    const spokes = (rows) => rows[0].map((_, k) => line(data.axes, rows.map((row, t) => {
      const radius = data.inner + (1 - data.inner) * t / (rows.length - 1);
      return [radius * Math.cos(row[k]), radius * Math.sin(row[k])];
    }))).join("");
    const error = (row) => Math.sqrt(mean(row.map((v) => v * v)));
    const [first, end] = [error(off[0]), error(off[last])];
    return {
      series: { still: spokes([off[0], off[0]]), walk: spokes(off) },
      status: `With ${settings.patterns} stored patterns the error ` +
        `${end < first ? "falls" : "rises"} from ${first.toFixed(2)} to ` +
        `${end.toFixed(2)} radians.`,
    };
  }

  const show = {
    weights: showWeights,
    component: showComponent,
    loop: showLoop,
    recall: showRecall,
    noise: showNoise,
    forgetting: showForgetting,
  };

  // --- controls ---

  function start(id, data, tries = 40) {
    const root = document.getElementById(id);
    // The classic notebook runs scripts before their element is on the page.
    if (!root) {
      if (tries) setTimeout(() => start(id, data, tries - 1), 50);
      return;
    }
    const form = root.querySelector("form");
    const fields = [...form.querySelectorAll("input, select")];
    const sliders = fields.filter((field) => field.type === "range");
    const named = form.querySelector("select[name=rule]");

    function draw() {
      const settings = Object.fromEntries(fields.map((field) =>
        [field.name, field.type === "range" ? Number(field.value) : field.value]));
      const { series, status } = show[data.kind](data, settings);
      for (const [name, d] of Object.entries(series))
        root.querySelector(`[data-series="${name}"]`).setAttribute("d", d);
      for (const slider of sliders)
        form.querySelector(`output[for="${slider.id}"]`).textContent = slider.value;
      root.querySelector("p").textContent = status;
    }

    // A named rule sets the sliders; the sliders find the name that they spell.
    form.addEventListener("input", (event) => {
      if (event.target === named && data.named[named.value])
        for (const slider of sliders) slider.value = data.named[named.value][slider.name];
      else if (named && event.target !== named)
        named.value = Object.keys(data.named).find((name) => sliders.every((slider) =>
          Number(slider.value) === data.named[name][slider.name])) || "";
      draw();
    });
    form.addEventListener("reset", () => setTimeout(draw)); // after the values are back
    form.addEventListener("submit", (event) => event.preventDefault());
    // JupyterLab would take the arrow keys for its own, and the focus for a cell.
    for (const control of form.elements) control.dataset.lmSuppressShortcuts = "true";
    form.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    });
    form.hidden = false;
    draw();
  }

  return { trajectory, between, recall, forage, show, start };
})()
