import type { ErrorCode } from '../../../shared/errors.ts';

/** Errors that say nothing of the work itself: it is waited for without end, however often the contact is lost (rule M6). */
export const lostContact: ReadonlySet<ErrorCode> = new Set(['VMA_UNREACHABLE']);

/** The same while a disk is sent: a server that is replaced again and again for other volumes is no failure of this one. */
export const notTheRunItself: ReadonlySet<ErrorCode> = new Set([...lostContact, 'EXPORT_FAILED']);
