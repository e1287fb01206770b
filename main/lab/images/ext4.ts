import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { uuidFrom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { writeSeeded } from './bytes.ts';
import type { DiskContent } from './catalogue.ts';

const E2FSPROGS = 'e2fsprogs';
const MADE_AT = '1700000000';

/** All defaults are given, so that the machine's own mke2fs.conf has no say in the bytes. */
const CONFIG = '[defaults]\n\tblocksize = 4096\n[fs_types]\n\text4 = {\n\t\tinode_size = 256\n\t}\n';
const FEATURES =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

type Ext4 = Extract<DiskContent, { kind: 'ext4' }>;

/**
 * An ext4 file system with files in it, byte for byte the same for every user. `mke2fs -d` would copy the owner and
 * the change times of the files it takes in, so debugfs writes them, under a frozen clock.
 */
export async function writeExt4(image: string, content: Ext4): Promise<void> {
  const workDir = `${image}.files`;
  await rm(workDir, { recursive: true, force: true });
  await mkdir(workDir);
  try {
    const config = join(workDir, 'mke2fs.conf');
    await writeFile(config, CONFIG);
    const env = { MKE2FS_CONFIG: config, E2FSPROGS_FAKE_TIME: MADE_AT };
    await makeFileSystem(image, content.label, env);
    await fillFileSystem(image, content, { workDir, env });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function makeFileSystem(image: string, label: string, env: Record<string, string>): Promise<void> {
  const uuid = uuidFrom(`ext4 ${label}`);
  const extended = `hash_seed=${uuid},lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0`;
  const args = ['-q', '-F', '-t', 'ext4', '-O', FEATURES, '-b', '4096', '-I', '256', '-N', '8192', '-m', '0'];
  const end = await runProgram('mke2fs', [...args, '-U', uuid, '-L', label, '-E', extended, image], {
    env,
    debianPackage: E2FSPROGS,
  });
  if (end.code !== 0) throw new AppError('INTERNAL', `mke2fs for ${image} failed: ${end.stderr.trim()}`);
}

async function fillFileSystem(
  image: string,
  content: Ext4,
  { workDir, env }: { readonly workDir: string; readonly env: Record<string, string> },
): Promise<void> {
  const commands: string[] = [];
  const folders = new Set<string>();
  for (const [index, [path, length]] of content.files.entries()) {
    const parts = dirname(path).split('/');
    for (const depth of parts.keys()) {
      const folder = parts.slice(0, depth + 1).join('/');
      if (!folders.has(folder)) commands.push('cd /', `mkdir ${folder}`);
      folders.add(folder);
    }
    const source = join(workDir, String(index));
    const file = await open(source, 'w');
    try {
      // The mode is copied into the image; it must not depend on the umask.
      await file.chmod(0o644);
      await writeSeeded(file, `${content.label} ${path}`, { offset: 0, length });
    } finally {
      await file.close();
    }
    commands.push(`cd /${dirname(path)}`, `write "${source}" ${path.split('/').at(-1) ?? path}`);
  }
  const script = join(workDir, 'commands');
  await writeFile(script, `${commands.join('\n')}\n`);
  const end = await runProgram('debugfs', ['-w', '-f', script, image], { env, debianPackage: E2FSPROGS });
  // debugfs exits 0 whatever happens; its complaints follow its version on stderr.
  const complaints = end.stderr
    .split('\n')
    .filter((line) => line !== '' && !/^debugfs \d|fs_type .* not defined/.test(line));
  if (end.code !== 0 || complaints.length > 0) {
    throw new AppError('INTERNAL', `debugfs for ${image} failed: ${complaints.join(' ')}`);
  }
}
