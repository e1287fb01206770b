/** Where the programs that the daemon starts are; the same files in a checkout, a package and under test. */
export type Programs = {
  /** Node, or Electron, which then runs as Node. */
  readonly execPath: string;
  /** The bundled command line, dist/ossea.cjs. */
  readonly ossea: string;
  /** The bundled hashing program, dist/hasher.cjs. */
  readonly hasher: string;
};
