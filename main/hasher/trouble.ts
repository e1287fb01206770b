/** An expected failure of the hashing program; the exit code tells the daemon which kind it was. */
export class Trouble extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, text: string) {
    super(text);
    this.exitCode = exitCode;
  }
}
