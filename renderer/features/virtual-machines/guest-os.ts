import type { Vm } from '../../live/entities.ts';

/** vSphere names guests by an identifier; these are the words its own client shows. */
const families: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^windows(\d{4})srv/, 'Windows Server $1'],
  [/^windows9/, 'Windows 10'],
  [/^debian(\d+)/, 'Debian GNU/Linux $1'],
  [/^ubuntu/, 'Ubuntu Linux'],
  [/^rhel(\d+)/, 'Red Hat Enterprise Linux $1'],
  [/^centos(\d+)/, 'CentOS $1'],
  [/^sles(\d+)/, 'SUSE Linux Enterprise $1'],
  [/^otherLinux/, 'Other Linux'],
];

/** An identifier that is not known stays as it is. */
export function guestOsWords({ guest_os: id }: Pick<Vm, 'guest_os'>): string {
  for (const [pattern, words] of families) {
    const match = pattern.exec(id);
    if (match !== null) return `${words.replace('$1', match[1] ?? '')} (${id.includes('64') ? '64-bit' : '32-bit'})`;
  }
  return id;
}
