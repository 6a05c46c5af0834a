// The emergency stop and its clearing: plain requests to the HTTP API, whatever becomes of the page's web socket.
"use strict";
(() => {
  const ANSWER_MS = 10000; // one broker may take 5 s to be given up
  const AGAIN_MS = 1000;
  const STALE_MS = 3000;
  const NAME = "motet-name";
  const PENDING = "motet-pressed"; // outlives the page: it is loaded anew when the dashboard is back
  const by = (id) => document.getElementById(id);

  async function ask(path, body) {
    const answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok && found.reached === undefined) {
      const detail = typeof found.detail === "string" ? found.detail : JSON.stringify(found.detail ?? "");
      throw new Error(`${answer.status} ${detail}`.trim());
    }
    return found;
  }

  // --- what a browser keeps, where it may: whether it may is no condition for anything
  const without = {};
  function keep(place, name, value) {
    without[name] = value;
    try {
      if (value === null) window[place].removeItem(name);
      else window[place].setItem(name, value);
    } catch (error) {
      console.warn(`${place}: ${error.message}`);
    }
  }
  function kept(place, name) {
    try {
      return window[place].getItem(name) ?? without[name] ?? null;
    } catch {
      return without[name] ?? null;
    }
  }

  let said = 0;
  function say(id, text, kind) {
    const place = by(id);
    said = performance.now();
    place.textContent = text;
    place.className = kind;
    place.hidden = text === "";
  }

  const drawn = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
  const untold = (told) => (told.missed.length ? ` NOT told: ${told.missed.join("; ")}.` : "");

  let waiting = false; // for somebody who could not be told of a press at first

  // --- the button: the first click counts, and it is not given up until somebody knows of it
  let pressing = 0;
  async function press(reason, id) {
    waiting = false;
    const mine = ++pressing;
    keep("sessionStorage", PENDING, JSON.stringify({ reason, id }));
    const who = kept("localStorage", NAME) ?? "";
    say("said", "Stopping ...", "doing");
    for (;;) {
      try {
        const told = await ask("/api/estop", { reason, who, id });
        if (told.reached.length) keep("sessionStorage", PENDING, null);
        if (mine !== pressing) return;
        if (told.reached.length && !told.latched) {
          say("said", "That press was cleared by somebody meanwhile.", "bad");
          return;
        }
        if (told.reached.length) {
          by("reason").value = "";
          const rest = untold(told);
          waiting = rest !== "";
          say("said", `Emergency stop is pressed.${rest}${rest ? " The dashboard goes on trying." : ""}`, rest ? "bad" : "good");
          return;
        }
        say("said", `NOT STOPPED, nobody could be told.${untold(told)} Trying again; use the switch at the lab.`, "bad");
      } catch (error) {
        if (mine !== pressing) return;
        const how = "use the switch at the lab, or `motet estop`";
        say("said", `NOT STOPPED as far as is known: the dashboard does not answer (${error.message}). Trying again; ${how}.`, "bad");
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (mine !== pressing) return;
    }
  }

  function pressAgain() {
    const pending = kept("sessionStorage", PENDING);
    if (pending === null || pressing || !by("said")) return;
    const { reason, id } = JSON.parse(pending);
    press(reason, id);
  }

  // --- clearing: what is shown in the dialog is cleared, and nothing that was pressed since
  let seen = [];
  async function openClear() {
    seen = [];
    by("clear-presses").replaceChildren();
    say("clear-said", "", "");
    by("clear-who").value = kept("localStorage", NAME) ?? "";
    by("clear-sure").checked = false;
    by("clear").show(); // not as a modal one: the button stays within reach
    by("clear-who").focus();
    try {
      const lab = await ask("/api/lab");
      seen = lab.presses.map((one) => one.id);
      by("clear-presses").replaceChildren(
        ...lab.presses.map((one) => {
          const item = document.createElement("li");
          item.textContent = `${one.reason} (${one.who}, ${new Date(one.at * 1000).toLocaleString()})`;
          return item;
        }),
      );
      if (!seen.length) say("clear-said", "Nothing is pressed any more.", "good");
    } catch (error) {
      say("clear-said", `The dashboard does not answer: ${error.message}`, "bad");
    }
  }

  async function clear() {
    waiting = false;
    const who = by("clear-who").value.trim();
    if (!who || !by("clear-sure").checked || !seen.length) return;
    keep("localStorage", NAME, who);
    say("clear-said", "Clearing ...", "doing");
    by("clear-do").disabled = true;
    try {
      const told = await ask("/api/clear", { who, seen });
      by("clear").close();
      if (told.latched) say("said", "It was pressed again meanwhile, and stays pressed.", "bad");
      else if (!told.reached.length) say("said", `NOT cleared, nobody could be told.${untold(told)}`, "bad");
      else say("said", `Cleared. Campaigns go on with \`motet resume\`.${untold(told)}`, told.missed.length ? "bad" : "good");
    } catch (error) {
      say("clear-said", `Not cleared: ${error.message}`, "bad");
    } finally {
      by("clear-do").disabled = false;
    }
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id === "estop-form") {
      event.preventDefault();
      press(by("reason").value, drawn());
    } else if (event.target.id === "clear-form") {
      event.preventDefault();
      clear();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="clear"]')) openClear();
    else if (event.target.id === "clear-cancel") by("clear").close();
  });

  // --- a picture that stands still says so
  let last = "";
  let changed = performance.now();
  let latched = "";
  const title = document.title;
  setInterval(() => {
    pressAgain();
    const text = by("clock")?.textContent ?? "";
    if (text !== last) {
      last = text;
      changed = performance.now();
    }
    document.body.classList.toggle("is-stale", performance.now() - changed > STALE_MS);
    const banner = document.querySelector("[data-latched]");
    if (waiting && performance.now() - said > AGAIN_MS && banner?.dataset.untold !== "yes") {
      if (banner?.dataset.latched === "yes") say("said", "Emergency stop is pressed. It is told everywhere now.", "good");
      waiting = false;
    }
    const now = banner?.dataset.latched ?? "";
    if (now !== latched) {
      latched = now;
      document.title = now === "yes" ? `E-STOPPED: ${title}` : title;
      const place = by("said"); // what was said of the last press or clearing is over
      if (place?.className === "good" && performance.now() - said > STALE_MS) place.hidden = true;
    }
  }, 500);
})();
