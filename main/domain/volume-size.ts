const gib = 1024 ** 3;

/** The volume a source disk gets, in whole GiB as CloudStack makes them: its capacity and the headroom, rounded up. */
export const volumeGib = (capacityBytes: number, headroomGib: number): number =>
  Math.ceil(capacityBytes / gib + headroomGib);
