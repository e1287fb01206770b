/** Every channel between the page and this process. */
export const channels = {
  call: 'ossea:call',
  cancel: 'ossea:cancel',
  feed: 'ossea:feed',
  environment: 'ossea:environment',
  window: 'ossea:window',
} as const;
