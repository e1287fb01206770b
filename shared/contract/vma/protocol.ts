/** What an OMA and a VMA say to each other. `current` rises with every change that an older one would misread. */
export const protocol = { current: 1, oldest: 1 } as const;
export const protocolHeader = 'ossea-protocol';
