/**
 * Names of the moments between which a crash may fall (rule J1). Tests record them from a run and then end the real
 * process there; in the product nothing happens.
 */
export type Points = { reached(name: string): Promise<void> };
