import { AppError } from '../../../shared/errors.ts';
import type { CloudLimits } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { capabilities, records } from './records.ts';
import { type Content, parse, readList } from './replies.ts';
import type { Transport } from './transport.ts';

/** CloudStack's number for the kind of limit that counts volumes. */
const VOLUMES = '2';

export async function readLimits(transport: Transport, signalled: Signalled): Promise<CloudLimits> {
  const { read } = transport;
  const { capability } = parse('listCapabilities', capabilities, await read('listCapabilities', {}, signalled));
  const sizes = [capability.customdiskofferingmaxsize ?? null, await largestByConfiguration(transport, signalled)];
  const known = sizes.filter((sizeGib) => sizeGib !== null);
  return {
    largestVolumeGib: known.length === 0 ? null : Math.min(...known),
    volumesLeft: await volumesLeft(transport, signalled),
  };
}

/** storage.max.volume.size; only the root admin may read it. */
async function largestByConfiguration(transport: Transport, signalled: Signalled): Promise<number | null> {
  const name = 'storage.max.volume.size';
  const content = await ifAllowed(() => transport.read('listConfigurations', { name }, signalled));
  if (content === null) return null;
  const { items } = readList('listConfigurations', records.configuration, content);
  const value = Number(items.find((item) => item.name === name)?.value);
  return Number.isFinite(value) && value > 0 ? value : null;
}

async function volumesLeft({ read }: Transport, signalled: Signalled): Promise<number | null> {
  const content = await ifAllowed(() => read('listResourceLimits', { resourcetype: VOLUMES }, signalled));
  if (content === null) return null;
  const max = readList('listResourceLimits', records.resourceLimit, content).items[0]?.max ?? -1;
  if (max < 0) return null;
  // Without listall: the limit is that of the key's own account.
  const own = await read('listVolumes', { retrieveonlyresourcecount: 'true' }, signalled);
  return Math.max(0, max - (readList('listVolumes', records.volume, own).total ?? 0));
}

/** A call that the role does not have is refused like a wrong key; that the key is right, an earlier call has shown. */
async function ifAllowed(call: () => Promise<Content>): Promise<Content | null> {
  try {
    return await call();
  } catch (error) {
    const errorCode = error instanceof AppError ? error.details?.['error_code'] : undefined;
    if (errorCode === 401 || errorCode === 432) return null;
    throw error;
  }
}
