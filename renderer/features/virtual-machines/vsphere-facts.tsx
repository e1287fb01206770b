import { useEffect, useState } from 'react';
import type { z } from 'zod';
import type { getVm } from '../../../shared/contract/vms.ts';
import { type ErrorBody, toErrorBody } from '../../../shared/errors.ts';
import { useConsole } from '../../live/console-context.tsx';
import { Loading } from '../../ui/blank.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { Facts } from '../../ui/facts.tsx';

type Details = NonNullable<z.output<typeof getVm.reply>['vsphere']>;
type Snapshot = Details['snapshots'][number];

/** What vCenter tells beyond the list; asked when the pane opens. */
export function VsphereFacts({ vmId }: { readonly vmId: string }) {
  const { client } = useConsole();
  const [details, setDetails] = useState<Details | null>(null);
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  useEffect(() => {
    const closing = new AbortController();
    client
      .call('getVm', { params: { vm_id: vmId } }, { signal: closing.signal })
      .then(({ vsphere }) => {
        setDetails(vsphere);
      })
      .catch((error: unknown) => {
        if (!closing.signal.aborted) setFailure(toErrorBody(error));
      });
    return () => {
      closing.abort();
    };
  }, [client, vmId]);

  if (failure !== null) return <ErrorCard failure={failure} />;
  if (details === null) return <Loading what="Asking vCenter" />;
  return (
    <section aria-label="vSphere">
      <h3>vSphere</h3>
      <Facts
        facts={[
          ['MoRef', details.mo_ref],
          ['Host', details.host ?? 'not told'],
          ['Secure boot, TPM', `${yesNo(details.secure_boot)}, ${yesNo(details.tpm)}`],
          ['Hardware', details.hardware_version ?? 'not told'],
          ['VMware Tools', details.tools.running ? 'running' : 'not running'],
          ['Change tracking', yesNo(details.change_tracking)],
          ['Snapshots', details.snapshots.length === 0 ? 'none' : details.snapshots.flatMap(namesOf).join(', ')],
          ['Disks', details.disks.map(diskWords).join('; ')],
          ...(details.annotation === null || details.annotation === '' ? [] : [['Notes', details.annotation] as const]),
        ]}
      />
    </section>
  );
}

const yesNo = (value: boolean | null): string => (value === null ? 'not told' : value ? 'yes' : 'no');

const namesOf = (snapshot: Snapshot): string[] => [snapshot.name, ...snapshot.children.flatMap(namesOf)];

/** `2000 on vmfs-01, thin`, and whatever keeps it from being copied as a file. */
const diskWords = (disk: Details['disks'][number]): string =>
  [
    `${String(disk.key)} on ${disk.datastore ?? 'no datastore'}`,
    ...(disk.provisioning === null ? [] : [disk.provisioning]),
    ...(disk.rdm === null ? [] : [`raw device mapping (${disk.rdm})`]),
    ...(disk.mode === null || disk.mode === 'persistent' ? [] : [disk.mode.replaceAll('_', ' ')]),
    ...(disk.sharing === 'none' ? [] : [`shared (${disk.sharing.replaceAll('_', ' ')})`]),
    ...(disk.encrypted ? ['encrypted'] : []),
  ].join(', ');
