/** Small pieces of the picture that several views share. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import type { PanelEvent } from './model';

export type Send = (event: PanelEvent) => void;

export function icon(name: string): TemplateResult {
  return html`<span class="codicon codicon-${name}" aria-hidden="true"></span>`;
}

export interface IconButton {
  readonly icon: string;
  readonly label: string;
  readonly run: () => void;
  /** For buttons that switch something. */
  readonly isPressed?: boolean;
  /** For buttons that open something. */
  readonly isExpanded?: boolean;
  readonly isDisabled?: boolean;
  /** False inside rows that are not the active one. */
  readonly isReachable?: boolean;
}

/** A button that is an icon; its label is its name and its tooltip. */
export function iconButton(button: IconButton): TemplateResult {
  const { isPressed, isExpanded } = button;
  return html`<button
    class=${classMap({ action: true, pressed: isPressed === true })}
    type="button"
    title=${button.label}
    aria-label=${button.label}
    aria-pressed=${isPressed ?? nothing}
    aria-expanded=${isExpanded ?? nothing}
    ?disabled=${button.isDisabled ?? false}
    tabindex=${button.isReachable === false ? -1 : 0}
    @click=${(event: Event) => {
      event.stopPropagation();
      button.run();
    }}
  >
    ${icon(button.icon)}
  </button>`;
}

export function textButton(label: string, run: () => void, isSecondary = false): TemplateResult {
  return html`<button
    class=${classMap({ button: true, secondary: isSecondary })}
    type="button"
    @click=${run}
  >
    ${label}
  </button>`;
}

export function linkButton(label: string, run: () => void): TemplateResult {
  return html`<button class="link" type="button" @click=${run}>${label}</button>`;
}

/** Width of the drawing that bars live in; CSS gives it its size on the screen. */
const BAR_WIDTH = 100;

/**
 * A bar from the middle: to the right what speaks for a hit, to the left what speaks against it. `share` is -1 to 1.
 */
export function bar(share: number): TemplateResult {
  const middle = BAR_WIDTH / 2;
  const width = Math.min(1, Math.abs(share)) * middle;
  const x = share < 0 ? middle - width : middle;
  return html`<svg
    class="bar"
    viewBox="0 0 ${BAR_WIDTH} 8"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${svg`<rect class="track" x="0" y="3.5" width="${BAR_WIDTH}" height="1"></rect>
      <rect class=${share < 0 ? 'against' : 'for'} x="${x}" y="1" width="${width}" height="6"></rect>
      <rect class="middle" x="${middle - 0.5}" y="0" width="1" height="8"></rect>`}
  </svg>`;
}

/** A bar from the left, 0 to 1. */
export function progressBar(share: number): TemplateResult {
  const width = Math.min(1, Math.max(0, share)) * BAR_WIDTH;
  return html`<svg
    class="progress"
    viewBox="0 0 ${BAR_WIDTH} 2"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${svg`<rect class="track" x="0" y="0" width="${BAR_WIDTH}" height="2"></rect>
      <rect class="done" x="0" y="0" width="${width}" height="2"></rect>`}
  </svg>`;
}
