// Muster's one script. Pages work without it: it keeps what they show up to date.
//
// <main data-live="URL"> opens one stream of server-sent events while the tab is visible. A `fragment` event carries
// elements with ids, each of which takes the place of the element of that id. Focus stays where it is.
//
// <form data-upload> shows in its <progress> how much of its files has been sent, and then what the form would have shown.
"use strict";

(() => {
  const main = document.querySelector("main[data-live]");
  const status = document.getElementById("live-status");
  const toggle = document.getElementById("live-toggle");
  const changed = document.getElementById("live-changed");
  const RETRY_MS = 15000;

  let source = null;
  let retry = 0;
  let paused = false;

  const say = (text) => {
    if (status && status.textContent !== text) status.textContent = text;
  };

  // How the control in focus is found again in the markup that takes its place.
  const focusKey = (element) =>
    element.id ? `#${CSS.escape(element.id)}`
      : ["formaction", "href", "value"].filter((name) => element.hasAttribute(name))
        .map((name) => `[${name}="${CSS.escape(element.getAttribute(name))}"]`).join("");

  const value = (element) => element.querySelector(":scope > .values")?.textContent ?? "";

  const replace = (fresh) => {
    const old = document.getElementById(fresh.id);
    if (!old || old.isEqualNode(fresh)) return;
    const within = old.contains(document.activeElement) ? focusKey(document.activeElement) : "";
    if (value(old) !== value(fresh)) fresh.classList.add("fresh");
    old.replaceWith(fresh);
    if (within) fresh.querySelector(within)?.focus({ preventScroll: true });
  };

  const take = (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.data;
    for (const fresh of [...template.content.querySelectorAll("[id]")]) {
      if (!fresh.parentElement?.closest("[id]")) replace(fresh);
    }
    times();
  };

  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    if (paused || document.hidden) return;
    source = new EventSource(main.dataset.live);
    source.addEventListener("open", () => say("Live"));
    source.addEventListener("fragment", take);
    source.addEventListener("changed", () => { if (changed) changed.hidden = false; });
    source.addEventListener("end", () => { close(); say("Live updates ended. Reload the page."); });
    source.addEventListener("error", () => {
      say("Reconnecting …");
      if (source?.readyState === EventSource.CLOSED) {
        close();
        retry = setTimeout(open, RETRY_MS);
      }
    });
  };

  const ago = (seconds) => {
    const past = seconds >= 0;
    const n = Math.abs(seconds);
    if (past && n < 5) return "just now";
    const [amount, unit] = n < 60 ? [n, "s"] : n < 3600 ? [n / 60, "min"] : n < 86400 ? [n / 3600, "h"] : [n / 86400, "d"];
    const text = `${Math.floor(amount)} ${unit}`;
    return past ? `${text} ago` : `in ${text}`;
  };

  const times = () => {
    for (const element of document.querySelectorAll("[data-at]")) {
      const text = ago((Date.now() - Number(element.dataset.at)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
  };

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      button.textContent = "Copied";
    });
  }

  const MEBIBYTE = 1048576;
  const sized = (count) => count < MEBIBYTE ? `${(count / 1024).toFixed(1)} KiB` : `${(count / MEBIBYTE).toFixed(1)} MiB`;

  // What the server has answered takes the place of the page: the form again, with what is wrong.
  const show = (answer) => {
    const fresh = new DOMParser().parseFromString(answer, "text/html");
    const content = fresh.getElementById("content");
    if (!content) return false;
    document.title = fresh.title;
    document.getElementById("content").replaceWith(content);
    content.focus();
    scrollTo(0, 0);
    return true;
  };

  const upload = (form, button) => {
    const line = form.querySelector(".upload");
    const [bar, text] = [line.querySelector("progress"), line.querySelector("span")];
    const request = new XMLHttpRequest();
    const stop = (reason) => {
      bar.hidden = true;
      text.textContent = reason;
      button.disabled = false;
    };
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable) return;
      [bar.max, bar.value] = [total, loaded];
      text.textContent = loaded < total ? `${sized(loaded)} of ${sized(total)}` : "All of it was sent and is being checked …";
    });
    request.addEventListener("load", () => {
      const moved = request.status < 400 && request.responseURL;
      if (moved) location.assign(moved);
      else if (!show(request.responseText)) stop(`The server answered ${request.status}.`);
    });
    request.addEventListener("error", () => stop("The upload broke off. Nothing was kept; try it again."));
    request.open(form.method, form.action);
    request.send(new FormData(form));
    button.disabled = true;
    bar.removeAttribute("value");
    bar.hidden = line.hidden = false;
    text.textContent = "Begins …";
  };

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-upload]")) return;
    event.preventDefault();
    upload(event.target, event.target.querySelector("button"));
  });

  if (!main) return;
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      paused = !paused;
      toggle.setAttribute("aria-pressed", String(paused));
      toggle.textContent = paused ? "Resume updates" : "Pause updates";
      say(paused ? "Paused" : "Live");
      open();
    });
  }
  document.addEventListener("visibilitychange", open);
  window.addEventListener("pagehide", close);
  setInterval(() => { if (!paused && !document.hidden) times(); }, 10000);
  open();
})();
