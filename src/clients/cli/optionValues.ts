/** Values of options, as typed, to what commands take; what is no such value is refused with what it must be. */
import { InvalidArgumentError } from 'commander';

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function count(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && 1 <= number && number <= 1000) return number;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000');
}

export function tokens(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && 50 <= number && number <= 1_000_000) return number;
  throw new InvalidArgumentError('It must be a whole number from 50 to 1000000');
}

export function whole(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && 0 <= number && number < 2 ** 32) return number;
  throw new InvalidArgumentError('It must be a whole number from 0 to 4294967295');
}

export function minutes(value: string): number {
  const number = Number(value);
  if (0 < number && number <= 10_000) return number;
  throw new InvalidArgumentError('It must be a number of minutes');
}

export function zeroToOne(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && 0 <= number && number <= 1) return number;
  throw new InvalidArgumentError('It must be a number from 0 to 1');
}
