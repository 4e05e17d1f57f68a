/** What is wrong with a field of a file that a person wrote: the checker's first finding, put in plain words. */

/** As zod gives it. */
interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** " at hnm.k"; nothing where the whole is meant. */
export function placeOf({ path }: Finding): string {
  return path.length > 0 ? ` at ${path.join('.')}` : '';
}

/** What it is and should not be, to follow a colon. */
export function faultOf({ message }: Finding): string {
  if (message.endsWith('undefined')) return 'it is missing';
  return message.replace(/^Invalid input: /, '');
}
