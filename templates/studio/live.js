// Keeps the page true while files are saved: what changed is fetched again, and nothing else moves.
"use strict";

const page = document.body.dataset.page;
const live = document.getElementById("live");
const parts = new Map();  // id -> HTML as the server wrote it; what a person typed or opened is not in it
let shown = Number(document.body.dataset.generation);

for (const part of document.querySelectorAll("[data-part]")) parts.set(part.id, part.innerHTML);

// --- what the server says ---------------------------------------------------------

let stream = null;
let note = "Live";
const LOST = "Not live: mscare preview has stopped, or was started anew";

function follow() {
  if (document.hidden || stream) return;
  stream = new EventSource("/events");
  stream.addEventListener("generation", (event) => {
    say(note, false);
    if (Number(event.data) !== shown) refresh();
  });
  stream.addEventListener("error", () => say(LOST, true));
}

// A browser opens only a few streams to one server: a page that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return follow();
  if (stream) stream.close();
  stream = null;
});

function say(text, isLost) {
  if (live.textContent !== text) live.textContent = text;
  live.classList.toggle("lost", isLost);
}

// --- what changed -----------------------------------------------------------------

let running = null;
let isWanted = false;

function refresh() {
  isWanted = true;
  running ??= (async () => {
    while (isWanted) {
      isWanted = false;
      try {
        const answer = await fetch(page + location.search, { cache: "no-store" });
        const text = await answer.text();
        if (answer.status === 403) return location.reload();
        take(new DOMParser().parseFromString(text, "text/html"));
      } catch {
        say(LOST, true);
      }
    }
  })().finally(() => { running = null; });
}

function take(fresh) {
  if (!fresh.body.dataset.generation) return document.location.reload();  // a page of another kind, such as "not here"
  shown = Number(fresh.body.dataset.generation);
  document.title = fresh.title;
  for (const part of fresh.querySelectorAll("[data-part]")) replace(part);
  for (const strip of fresh.querySelectorAll("[data-frames]")) reframe(strip);
  prepare();
  note = `Live, updated ${new Date().toLocaleTimeString()}`;
  say(note, false);
}

function replace(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old || parts.get(fresh.id) === fresh.innerHTML) return;
  parts.set(fresh.id, fresh.innerHTML);
  const typed = new Map([...old.querySelectorAll("input:not([type=hidden]), textarea")].map((field) => [field.id, field.value]));
  const opened = Boolean(old.querySelector("details[open]"));
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.innerHTML = fresh.innerHTML;
  for (const [id, value] of typed) {
    const field = id && document.getElementById(id);
    if (field) field.value = value;
  }
  if (opened) old.querySelector("details")?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// The new frame loads behind the old one and takes its place when it is there: nothing flashes, nothing jumps.
function reframe(fresh) {
  const strip = document.getElementById(fresh.id);
  const coming = [...fresh.querySelectorAll("iframe")];
  if (coming.length !== strip.querySelectorAll("iframe").length) {
    strip.innerHTML = fresh.innerHTML;
    return watchFrames();
  }
  for (const frame of coming) {
    const old = document.getElementById(frame.id);
    if (old.getAttribute("src") === frame.getAttribute("src")) continue;
    for (const late of old.parentElement.querySelectorAll(".coming")) late.remove();
    const next = document.importNode(frame);
    next.removeAttribute("id");
    next.classList.add("coming");
    next.addEventListener("load", () => {
      if (!next.isConnected) return;
      old.remove();
      next.id = frame.id;
      next.classList.remove("coming");
      settle(next);
    }, { once: true });
    old.after(next);
  }
}

// --- the panes --------------------------------------------------------------------

// Frames are as high as their mail, so that all panes scroll together with the page.
function settle(frame) {
  const mail = frame.contentDocument;
  if (!mail?.body || mail.URL === "about:blank") return;
  const height = Math.ceil(mail.body.getBoundingClientRect().height);
  frame.closest(".pane").style.setProperty("--h", Math.max(height, 200));
  mail.addEventListener("click", tellLink);
}

function watchFrames() {
  for (const frame of document.querySelectorAll("[data-frames] iframe")) {
    frame.addEventListener("load", () => settle(frame));
    if (frame.contentDocument?.readyState === "complete") settle(frame);
  }
}

function fit() {
  for (const strip of document.querySelectorAll("[data-frames]")) {
    const panes = [...strip.querySelectorAll(".pane")];
    const widths = panes.map((pane) => Number(getComputedStyle(pane).getPropertyValue("--w")));
    const gaps = 14 * panes.length;
    const room = (strip.clientWidth - gaps) / widths.reduce((sum, width) => sum + width, 0);
    const least = panes.length > 2 && window.innerWidth < 1024 ? 0.5 : 0.2;
    if (panes.length) strip.style.setProperty("--scale", Math.max(least, Math.min(1, room)).toFixed(4));
  }
}

// --- links in the mail, and the places of findings -----------------------------------

function tellLink(event) {
  const link = event.target.closest?.("a[href]");
  if (!link) return;
  event.preventDefault();
  const address = link.getAttribute("href");
  if (address.startsWith("[[")) return tip("Each reader’s own link to unsubscribe stands here.");
  if (!/^https?:/.test(address)) return tip(`This link leads to ${address}`);
  tip("This link leads to ", address);
}

let fading = 0;

function tip(text, address) {
  document.querySelector(".tip")?.remove();
  const box = document.createElement("p");
  box.className = "tip";
  box.setAttribute("role", "status");
  box.append(text);
  if (address) {
    const link = document.createElement("a");
    Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer", textContent: address });
    box.append(link);
  }
  document.body.append(box);
  clearTimeout(fading);
  fading = setTimeout(() => box.remove(), 9000);
}

const alike = (text) => text.replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replace(/\s+/g, " ");

function find(mail, words) {
  for (const image of mail.images) if (alike(image.alt).includes(words)) return image;
  let found = mail.body;
  if (!alike(found.textContent).includes(words)) return null;
  for (let inner = found; inner;) {
    found = inner;
    inner = [...found.children].find((child) => alike(child.textContent).includes(words) && !/display:\s*none/.test(child.getAttribute("style") ?? ""));
  }
  return found;
}

function show(words) {
  let first = null;
  for (const frame of document.querySelectorAll("[data-frames] iframe")) {
    const mail = frame.contentDocument;
    for (const marked of mail?.querySelectorAll("[data-shown]") ?? []) {
      marked.style.outline = "";
      delete marked.dataset.shown;
    }
    const place = mail?.body ? find(mail, words) : null;
    if (!place) continue;
    place.style.outline = "6px solid #d9480f";
    place.style.outlineOffset = "4px";
    place.dataset.shown = "";
    first ??= [frame, place];
  }
  if (!first) return tip("These words are not in the panes shown here.");
  const [frame, place] = first;
  const scale = frame.getBoundingClientRect().width / frame.offsetWidth;
  const top = frame.getBoundingClientRect().top + place.getBoundingClientRect().top * scale + window.scrollY;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  window.scrollTo({ top: top - window.innerHeight / 3, behavior: calm ? "auto" : "smooth" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-seen]");
  if (button) show(button.dataset.seen);
});

function prepare() {
  for (const button of document.querySelectorAll("[data-seen]")) button.hidden = false;
  fit();
}

window.addEventListener("resize", fit);
watchFrames();
prepare();
follow();
