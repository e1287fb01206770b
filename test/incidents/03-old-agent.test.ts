// In the original, an old VMA that sent every disk to the first target was deployed again, and nobody noticed.
import { expect, test } from 'vitest';
import { sendRaw } from '../fixtures/raw-request.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';

const mib = 1024 ** 2;
const ground = vmaGround();

test.each([
  ['a newer OMA', { 'ossea-protocol': '2' }],
  ['an OMA of before there were protocols', {}],
])('%s starts nothing: PROTOCOL_MISMATCH, with what each of both speaks', async (_, spoken) => {
  const vm = await ground.vm('efi-secure-01');
  const { target } = await ground.target(2000, 32 * mib);
  const jobId = newJob();
  const body = JSON.stringify({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets: [target] });
  const authorization = `Bearer ${ground.vma.token}`;
  const headers = { authorization, 'content-type': 'application/json', ...spoken };
  const answer = await sendRaw(ground.vma.url, '/api/v1/replicate', { method: 'POST', headers, body });
  expect(answer.status).toBe(409);
  expect(JSON.parse(answer.text)).toMatchObject({ code: 'PROTOCOL_MISMATCH', details: { current: 1, oldest: 1 } });
  const status = await sendRaw(ground.vma.url, `/api/v1/status/${jobId}`, { headers: { authorization } });
  expect(status.status).toBe(404);
});
