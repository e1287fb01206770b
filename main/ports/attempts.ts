/** The highest attempt of each disk that anybody ever asked for (rule M6). It outlives every start of this process. */
export type Attempts = {
  /** All of them or none, durably when it resolves. ATTEMPT_STALE when one is not higher than what was seen. */
  claim(request: {
    readonly jobId: string;
    readonly diskKeys: readonly number[];
    readonly attempt: number;
  }): Promise<void>;
};
