/**
 * Runs in the panel's page before the panel: the editor's side of a webview. What the panel says, and whatever goes
 * wrong, is written down for the test; what the host says comes in through `say`.
 */
globalThis.standIn = {
  said: [],
  violations: [],
  errors: [],

  /** Sends a message as the host would, and waits until it is painted. */
  say(message) {
    if (message.type === 'results') answered = message.ticket;
    window.postMessage(message, '*');
    return new Promise((resolve) => {
      requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
    });
  },

  /** Settles when the newest search asks for the re-ranked answer. */
  untilFinalAsked() {
    return until(() => {
      const searches = standIn.said.filter((message) => message.type === 'search');
      return searches.length > 0 && searches.at(-1).rerank && searches.at(-1).ticket > answered;
    });
  },

  untilSaid(type) {
    return until(() => standIn.said.some((message) => message.type === type));
  },

  untilKept() {
    return until(() => {
      const kept = JSON.parse(sessionStorage.getItem('state') ?? '{}');
      return kept.scrollTop === document.querySelector('#scroller').scrollTop;
    });
  },

  focusedName() {
    const { activeElement } = document;
    return activeElement.getAttribute('aria-label') ?? activeElement.textContent.trim();
  },

  untilReady() {
    return until(() => standIn.said.length > 0);
  },

  /** Where each hit lies on the screen, from top to bottom. */
  rows() {
    return [...document.querySelectorAll('#hits > li')]
      .map((item) => {
        const { top, bottom } = item.getBoundingClientRect();
        return { top, bottom, name: item.getAttribute('aria-label') };
      })
      .sort((a, b) => a.top - b.top);
  },

  /** Elements that are wider than what they lie in, by a selector a person recognises. */
  overflowing() {
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll('#panel *')]
      .filter((element) => {
        const { right, left, width: own } = element.getBoundingClientRect();
        const isClipped = element.closest('.snippet, .live, svg, .head, .busy');
        return own > 0 && !isClipped && (right > width + 0.5 || left < -0.5);
      })
      .map((element) => `${element.tagName}.${element.className}`);
  },

  async faults(offRules) {
    const rules = Object.fromEntries(offRules.map((rule) => [rule, { enabled: false }]));
    const { violations } = await window.axe.run(document, { rules });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
      );
  },

  /** Colours of a theme, as the editor sets them, and its class on the body. */
  applyTheme({ bodyClass, colours }) {
    for (const [name, value] of Object.entries(colours))
      document.documentElement.style.setProperty(name, value);
    document.body.className = bodyClass;
    document.documentElement.style.background = 'var(--vscode-sideBar-background)';
  },
};

/** Ticket of the last answer that the test gave. */
let answered = -1;

/** Gives up after a while, so that a fault fails its test and not the whole run. */
async function until(isTrue) {
  for (let turn = 0; turn < 10_000; turn++) {
    if (isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`The panel said only ${JSON.stringify(standIn.said.slice(-5))}`);
}

globalThis.acquireVsCodeApi = () => ({
  postMessage: (message) => standIn.said.push(JSON.parse(JSON.stringify(message))),
  getState: () => JSON.parse(sessionStorage.getItem('state') ?? 'null') ?? undefined,
  setState: (state) => sessionStorage.setItem('state', JSON.stringify(state)),
});

document.addEventListener('securitypolicyviolation', (event) => {
  standIn.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
addEventListener('error', (event) => standIn.errors.push(event.message));
addEventListener('unhandledrejection', (event) => standIn.errors.push(String(event.reason)));
