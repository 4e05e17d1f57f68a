/**
 * When work may go on. Every step of indexing passes here: it waits while the user has paused, while a
 * query runs, and rests on battery or when the machine is loaded. The pauses between steps are what keeps a
 * query from waiting, so a step is at most some 50 ms long; the gate never interrupts one.
 */
import * as os from 'node:os';
import { Emitter } from '../../base/event';
import type { Disposable } from '../../base/lifecycle';
import { sleepUntil } from './alarm';
import { readBattery, type Battery } from './battery';

export interface GateOptions {
  /** False: neither battery nor load slows work down. */
  readonly isGentle: boolean;
  /** Stand-ins for tests. */
  readonly battery?: () => Promise<Battery>;
  readonly load?: () => number;
}

export interface HeavyWait {
  readonly waitMs: number;
  /** A sentence, where a person should know why work is slow or stands still. */
  readonly reason?: string;
  /** No step is done until the reason is gone; else steps take turns with rests. */
  readonly isHeld?: boolean;
}

/** Pauses every key. */
export const ALL_FOLDERS = '*';

const LOW_BATTERY =
  'On battery below 20 %: embedding goes on when the charger is connected, or at once with `nearmiss index --hurry`';
const ON_BATTERY =
  'On battery, so embedding rests two thirds of the time; `nearmiss index --hurry` does not rest';
const LOADED =
  'Other programs keep this machine busy, so embedding rests half of the time; `nearmiss index --hurry` does not rest';
const LIGHT_BUSY_MS = 100;

/** A stream of queries may not hold work for ever: after this long one step goes through. */
const MAX_BUSY_MS = 2000;
const BATTERY_EVERY_MS = 30_000;
/** Below this charge, on battery, embedding waits for power. */
const LOW_CHARGE = 0.2;
/** On battery a step is followed by this many times its own duration of rest. */
const BATTERY_REST = 2;
const LOAD_REST = 1;
/** Longest rest after a step, however long the step was. */
const MAX_REST_MS = 2000;

export class WorkGate implements Disposable {
  private readonly changed = new Emitter<void>();
  private readonly paused = new Set<string>();
  private busyUntil = 0;
  private busySince: number | undefined;
  private isHurried = false;
  private battery: Battery = { isDischarging: false, charge: 1 };
  private batteryReadAt = -Infinity;

  constructor(private readonly options: GateOptions) {}

  /** Holds the work of one key (a folder) until `resume`. */
  pause(key: string): void {
    this.paused.add(key);
  }

  resume(key: string): void {
    if (this.paused.delete(key)) this.changed.fire();
  }

  isPaused(key: string): boolean {
    return this.paused.has(key) || this.paused.has(ALL_FOLDERS);
  }

  /** A query runs: no step begins for `forMs`, or until `notBusy`. */
  busy(forMs: number): void {
    const now = performance.now();
    if (this.busySince === undefined || this.busyUntil < now) this.busySince = now;
    this.busyUntil = Math.min(Math.max(this.busyUntil, now + forMs), this.busySince + MAX_BUSY_MS);
  }

  notBusy(): void {
    this.busyUntil = 0;
    this.busySince = undefined;
    this.changed.fire();
  }

  /** While true, neither battery nor load slows work down: somebody waits and asked for it. */
  hurry(isHurried: boolean): void {
    this.isHurried = isHurried;
    this.changed.fire();
  }

  /** Returns when a step of reading and splitting may begin; throws what the signal says. */
  async pass(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.isPaused(key)) await this.change(signal);
    // Short steps on one thread at low priority: a query needs only a moment's head start.
    const waitMs = Math.min(this.busyForMs(), LIGHT_BUSY_MS);
    if (waitMs > 0) await this.change(signal, waitMs);
  }

  /** How long to wait before a step that runs the model; asked again after the wait. 0: begin now. */
  async heavyWait(lastStepMs: number): Promise<HeavyWait> {
    const busyMs = this.busyForMs();
    if (busyMs > 0) return { waitMs: busyMs };
    if (!this.options.isGentle || this.isHurried) return { waitMs: 0 };
    await this.updateBattery();
    if (this.battery.isDischarging && this.battery.charge < LOW_CHARGE) {
      return { waitMs: BATTERY_EVERY_MS, reason: LOW_BATTERY, isHeld: true };
    }
    const rest = this.restNow();
    if (rest === undefined) return { waitMs: 0 };
    return { waitMs: Math.min(lastStepMs * rest.factor, MAX_REST_MS), reason: rest.reason };
  }

  dispose(): void {
    this.changed.dispose();
  }

  private busyForMs(): number {
    return Math.max(0, this.busyUntil - performance.now());
  }

  private restNow(): { readonly factor: number; readonly reason: string } | undefined {
    if (this.battery.isDischarging) return { factor: BATTERY_REST, reason: ON_BATTERY };
    const load = this.options.load ?? (() => os.loadavg()[0] ?? 0);
    // Twice the cores: our own threads, counted in the load, must not make us slow down.
    const isLoaded = load() > os.availableParallelism() * 2;
    return isLoaded ? { factor: LOAD_REST, reason: LOADED } : undefined;
  }

  private async updateBattery(): Promise<void> {
    if (performance.now() - this.batteryReadAt < BATTERY_EVERY_MS) return;
    this.batteryReadAt = performance.now();
    this.battery = await (this.options.battery ?? readBattery)();
  }

  /** The next change of pause or busy, at most `maxMs` away. */
  private async change(signal: AbortSignal, maxMs?: number): Promise<void> {
    await sleepUntil(signal, maxMs, (end) => {
      const subscription = this.changed.on(end);
      return () => subscription.dispose();
    });
    signal.throwIfAborted();
  }
}
