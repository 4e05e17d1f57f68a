/** What rooms write to. A log never holds a query, a file's content or a token. */
export interface Logger {
  debug(message: string, data?: Readonly<Record<string, unknown>>): void;
  info(message: string, data?: Readonly<Record<string, unknown>>): void;
  warn(message: string, data?: Readonly<Record<string, unknown>>): void;
  error(message: string, error: unknown): void;
}

/** Drops everything: the default where no log was asked for. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
