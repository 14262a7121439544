// The few things that HTML and htmx cannot do: dialogs opened by a button, frames as tall as their mail.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest("[data-close]");
  const dialog = closer?.closest("dialog");
  if (dialog) { event.preventDefault(); dialog.close(); }
});

// What stands in one place of the page, into the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.textContent = button.dataset.copied;
});

// A dialog whose content was fetched opens with it.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches("dialog[data-opens]") && !event.target.open) event.target.showModal();
});

// A mail's frame may hold no scripts, so the page measures it.
function fit(frame) {
  const inside = frame.contentDocument?.documentElement;
  if (!inside) return;
  const grow = () => { frame.style.height = `${Math.min(inside.scrollHeight + 2, 20000)}px`; };
  grow();
  new ResizeObserver(grow).observe(inside);
}

document.addEventListener("load", (event) => {
  if (event.target.matches?.("iframe[data-fit]")) fit(event.target);
}, true);

// A question that the server asks before it saves stands in the page; with script it is a real dialog.
for (const dialog of document.querySelectorAll("dialog[data-open]")) {
  dialog.removeAttribute("open");
  dialog.showModal();
}

// Opens all mails of a conversation or, when they are open, closes them; a menu closes by a click beside it.
document.addEventListener("click", (event) => {
  const all = event.target.closest("[data-open-all]");
  if (all) {
    const found = [...all.closest("article").querySelectorAll(all.dataset.openAll)];
    const open = found.some((each) => !each.open);
    for (const each of found) each.open = open;
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest(".menu-list > *")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

// A form that came back with faults is at the first of them.
document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("dialog[open]")) document.querySelector("main [aria-invalid='true']:not([hidden])")?.focus();
});

// Who signed in again in another tab has another token; a form that stood open meanwhile sends that one.
document.addEventListener("submit", (event) => {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  const field = event.target.querySelector("input[name='csrfmiddlewaretoken']");
  if (token && field) field.value = token;
}, true);

// A second click on the button of a form is not a second form; the browser comes back to a page that may send again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Ticks every box of a name in the same form, or none.
document.addEventListener("change", (event) => {
  const all = event.target.closest?.("[data-tick-all]");
  if (!all) return;
  for (const box of all.form.querySelectorAll(`input[type="checkbox"][name="${all.dataset.tickAll}"]`)) box.checked = all.checked;
});

// A part that renews itself waits while something in it is ticked, and keeps what was opened in it open. What
// comes for a view that was left meanwhile is dropped.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  if (elt.matches("[data-renews]") && target.querySelector("input:checked")) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, shouldSwap } = event.detail;
  const asker = event.detail.requestConfig.elt;
  if (!asker.matches("[data-renews]") || !shouldSwap) return;
  if (!asker.isConnected || target.querySelector("input:checked")) { event.detail.shouldSwap = false; return; }
  const open = [...target.querySelectorAll("details[open]")].map((each) => each.id);
  const aside = target.querySelector(".table-frame")?.scrollLeft;
  target.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    const frame = target.querySelector(".table-frame");
    if (frame && aside) frame.scrollLeft = aside;
  }, { once: true });
});
