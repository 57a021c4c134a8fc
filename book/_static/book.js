// What scrolls sideways can be reached by keyboard; a list of references is no list of
// list items for a screen reader, since Sphinx puts anchors between them.
document.addEventListener("DOMContentLoaded", () => {
  const wide = ".pst-scrollable-table-container, article div[style*='overflow-x']";
  document.querySelectorAll(wide).forEach((region) => (region.tabIndex = 0));
  const cited = ".citation-list, .citation-list > [role=listitem]";
  document.querySelectorAll(cited).forEach((item) => item.removeAttribute("role"));
});
