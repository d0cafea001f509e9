// Runs before the first paint, so that a dark page never flashes white. A file and not inline: the
// content security policy allows scripts of this origin only.
(() => {
  const stored = localStorage.getItem("mantine-color-scheme-value");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const dark = stored === "dark" || (stored !== "light" && prefersDark);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
