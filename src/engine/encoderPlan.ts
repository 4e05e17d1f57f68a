/**
 * Which checkpoint embeds, in which arithmetic, on which provider. The choice is measured once in child
 * processes (some seconds) and kept; until then words and static embeddings answer.
 */
import * as path from 'node:path';
import { isAbort, messageOf } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { EncoderStatus } from '../protocol/types';
import {
  chooseEncoder,
  type EncoderChoice,
  giveUpProvider,
  storedChoice,
} from './encoders/arithmetic';
import { spaceOf } from './encoders/biEncoder';
import { readBundledCheckpoint } from './encoders/bundled';
import type { Checkpoint } from './encoders/checkpoint';
import { activeCheckpoint } from './encoders/modelStore';
import { forkedProbe } from './encoders/probe';
import type { ProviderSetting } from './encoders/variant';

export interface PlanOptions {
  /** Where the product is installed: its models and the probe beside its code. */
  readonly root: string;
  readonly probeFile: string;
  /** `<data>/models`: added checkpoints, choices, built graphs. */
  readonly modelsFolder: string;
  readonly setting: ProviderSetting;
  readonly threads?: number;
  readonly log: Logger;
}

/** A plan that can be carried out. */
export interface Plan {
  readonly checkpoint: Checkpoint;
  readonly choice: EncoderChoice;
  readonly spaceId: string;
}

export class EncoderPlan implements Disposable {
  private readonly changed = new Emitter<Plan | undefined>();
  private readonly ended = new AbortController();
  private making: Promise<Plan | undefined> | undefined;
  private made: Plan | undefined;
  private trouble: string | undefined;
  private lost: string | undefined;
  private checkpoint: Promise<Checkpoint> | undefined;
  private tellWanted: () => void = () => undefined;
  private readonly whenAsked = new Promise<void>((resolve) => (this.tellWanted = resolve));

  constructor(private readonly options: PlanOptions) {}

  /** When a plan was made, or when none can be made. */
  onChange(listener: (plan: Plan | undefined) => void): Disposable {
    return this.changed.on(listener);
  }

  /** Why there is no plan, once that is known. */
  get problem(): string | undefined {
    return this.trouble;
  }

  /** What happened to the device since the start, for status. */
  get loss(): string | undefined {
    return this.lost;
  }

  /** Makes the plan if its choice was measured before, which takes a moment; else leaves it for later. */
  async takeStored(): Promise<void> {
    try {
      const checkpoint = await this.readCheckpoint();
      if (await storedChoice(checkpoint, this.choiceOptions)) await this.whenMade();
    } catch {
      // What is wrong with the checkpoint is told when the plan is made.
      await this.whenMade();
    }
  }

  /** The plan, measured now if that was never done; undefined when no contextual embedding can be had. */
  whenMade(): Promise<Plan | undefined> {
    this.tellWanted();
    this.making ??= this.make();
    return this.making;
  }

  /** The plan, but measured only when somebody else asks for it: measuring takes both cores for some seconds. */
  async whenOthersMadeIt(): Promise<Plan | undefined> {
    await this.whenAsked;
    return this.whenMade();
  }

  /** False while the plan is neither made nor being made. */
  get isBegun(): boolean {
    return this.making !== undefined;
  }

  /** Another checkpoint was chosen: makes a new plan. */
  renew(): Promise<Plan | undefined> {
    this.made = undefined;
    this.checkpoint = undefined;
    this.making = undefined;
    return this.whenMade();
  }

  /** The device failed in use: from the next start on the processor does its work. */
  async giveUpProvider(reason: string): Promise<void> {
    if (!this.made) return;
    const { checkpoint, choice } = this.made;
    this.lost = `${choice.provider} failed in use (${reason}), the processor goes on in its place`;
    await giveUpProvider(checkpoint, this.choiceOptions, reason);
  }

  status(): EncoderStatus | undefined {
    if (!this.made) return undefined;
    const { checkpoint, choice } = this.made;
    return {
      checkpoint: checkpoint.fingerprint,
      name: path.basename(checkpoint.folder),
      arithmetic: choice.arithmetic,
      provider: choice.provider,
      dimension: checkpoint.dimension,
      reason: choice.reason,
      figures: choice.figures,
    };
  }

  dispose(): void {
    this.ended.abort();
    this.changed.dispose();
  }

  private async make(): Promise<Plan | undefined> {
    try {
      this.trouble = undefined;
      this.made = await this.decide();
    } catch (error) {
      if (isAbort(error)) return undefined;
      this.trouble = messageOf(error);
      this.options.log.error('choosing how to embed', error);
    }
    this.changed.fire(this.made);
    return this.made;
  }

  private async decide(): Promise<Plan> {
    const { threads, probeFile } = this.options;
    const checkpoint = await this.readCheckpoint();
    const probe = forkedProbe(probeFile);
    const { signal } = this.ended;
    const options = { ...this.choiceOptions, threads, probe, signal };
    // Looks for a stored choice first.
    const choice = await chooseEncoder(checkpoint, options);
    return { checkpoint, choice, spaceId: spaceOf(checkpoint, choice.arithmetic).id };
  }

  /** Reading hashes the whole model: once is enough. */
  private readCheckpoint(): Promise<Checkpoint> {
    const { root, modelsFolder } = this.options;
    this.checkpoint ??= activeCheckpoint(modelsFolder).then(
      (active) => active ?? readBundledCheckpoint(root, 'bi-encoder'),
    );
    return this.checkpoint;
  }

  private get choiceOptions(): { folder: string; setting: ProviderSetting; log: Logger } {
    const { modelsFolder, setting, log } = this.options;
    return { folder: modelsFolder, setting, log };
  }
}
