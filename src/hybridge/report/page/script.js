"use strict";
const root = document.documentElement;
const themes = document.querySelector(".theme");
function choose(theme) {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  for (const button of themes.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.theme === theme));
}
function keep(theme) { try { localStorage.setItem("hybridge-theme", theme); } catch { /* a page opened from disk may have no storage */ } }
function kept() { try { return localStorage.getItem("hybridge-theme") || "auto"; } catch { return "auto"; } }
themes.hidden = false;
choose(kept());
themes.addEventListener("click", (event) => {
  const theme = event.target.dataset.theme;
  if (theme) { choose(theme); keep(theme); }
});
const findings = [...document.querySelectorAll(".finding")];
document.querySelector(".tools").hidden = findings.length === 0;
document.getElementById("search").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const finding of findings) finding.hidden = wanted !== "" && !finding.dataset.text.includes(wanted);
});
const expand = document.getElementById("expand");
expand.addEventListener("click", () => {
  const open = expand.textContent === "expand all";
  for (const details of document.querySelectorAll("details")) details.open = open;
  expand.textContent = open ? "collapse all" : "expand all";
});
addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
