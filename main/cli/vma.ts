import { AppError } from '../../shared/errors.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { clientOf, lineOf, secretFrom } from './site.ts';
import type { Surroundings } from './surroundings.ts';

/** `ossea vma add NAME --url URL --token-file FILE`: the token is the one in endpoint.json of the VMA's data directory. */
export async function vmaAdd(args: Arguments, around: Surroundings): Promise<number> {
  const name = args.words[2];
  const { url } = args;
  if (name === undefined || url === null)
    throw new AppError('INVALID_REQUEST', 'ossea vma add takes a name and --url.');
  const token = await secretFrom(args.tokenFile, 'Token', around);
  const site = await clientOf(args, around).call('addVma', { body: { name, url, token } }, around);
  around.out(args.json ? `${JSON.stringify(site)}\n` : `${lineOf(site)}\n`);
  return exitCodes.done;
}
