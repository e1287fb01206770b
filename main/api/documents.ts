import { endpoints } from '../../shared/contract/all.ts';
import { vmaEndpoints } from '../../shared/contract/vma/all.ts';
import { openApi } from './openapi.ts';

type Document = ReturnType<typeof openApi>;

/** What each role serves at /api/v1/openapi.json. */
export const daemonDocument = (version: string): Document =>
  openApi({ table: endpoints, title: 'OSSEA Migration Console', version, usualPort: 8090 });

export const vmaDocument = (version: string): Document =>
  openApi({ table: vmaEndpoints, title: 'OSSEA VMware Migration Agent (VMA)', version, usualPort: 8081 });
