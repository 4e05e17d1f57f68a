/** Small words for what an update returns. */
import type { PanelMessage } from '../../protocol/panelMessages';
import type { Effect, PanelState, Step } from './model';

/** Nothing for the world to do. */
export function stay(state: PanelState): Step {
  return { state, effects: [] };
}

export function post(message: PanelMessage): Effect {
  return { type: 'post', message };
}

export function tell(state: PanelState, message: PanelMessage): Step {
  return { state, effects: [post(message)] };
}

export function andThen(step: Step, ...effects: readonly Effect[]): Step {
  return { state: step.state, effects: [...step.effects, ...effects] };
}

/** The list with the key added at its end, or without it where it was in. */
export function toggled(keys: readonly string[], key: string): string[] {
  return keys.includes(key) ? keys.filter((each) => each !== key) : [...keys, key];
}
