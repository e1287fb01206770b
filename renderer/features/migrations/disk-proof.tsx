import { IconEqual, IconEqualNot } from '@tabler/icons-react';
import type { MigrationDisk } from '../../../shared/contract/migrations.ts';
import { proofWords } from '../../../shared/proof-words.ts';
import { CopyButton } from '../../ui/copy-button.tsx';

/** Rule N2: the proof names how the device was read past the cache. */
const readerWords: Readonly<Record<string, string>> = {
  direct: ', read past the cache (O_DIRECT)',
  'cache-dropped': ', read after the cache was dropped',
};

/** Of a full proof both hashes side by side, so that a person can compare them with their own; of a delta how far it goes. */
export function DiskProof({ disk }: { readonly disk: MigrationDisk }) {
  const { source_sha256: source, target_sha256: target, manifest_root: root, reader } = disk;
  const words = proofWords(disk);
  if (source === null && target === null && words === null) return null;
  const hasHashes = source !== null || target !== null;
  return (
    <div className="proof">
      {words !== null && (
        <div className="root">
          <h3>Proof</h3>
          <div>{words}</div>
        </div>
      )}
      {hasHashes && <Hash title="SHA-256 of the source" value={source} />}
      {source !== null && target !== null && <Verdict equal={source === target} />}
      {hasHashes && <Hash title={`SHA-256 of the target${readerWords[reader ?? ''] ?? ''}`} value={target} />}
      {root !== null && (
        <div className="root">
          <Hash title="Manifest root" value={root} />
        </div>
      )}
    </div>
  );
}

function Hash({ title, value }: { readonly title: string; readonly value: string | null }) {
  return (
    <div>
      <h3>{title}</h3>
      <div className="hash">
        {value === null ? <span className="soft">not read yet</span> : <span className="mono">{value}</span>}
        {value !== null && <CopyButton label={`Copy ${title}`} value={value} />}
      </div>
    </div>
  );
}

function Verdict({ equal }: { readonly equal: boolean }) {
  const words = equal ? 'Source and target are equal' : 'Source and target differ';
  return (
    <span className={equal ? 'verdict' : 'verdict differs'} role="img" aria-label={words} title={words}>
      {equal ? <IconEqual size={20} stroke={2.5} /> : <IconEqualNot size={20} stroke={2.5} />}
    </span>
  );
}
