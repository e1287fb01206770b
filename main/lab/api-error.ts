/** What CloudStack says when it refuses: the HTTP status, its own second code, and the exact text. */
export class ApiError extends Error {
  readonly http: number;
  readonly csErrorCode: number | undefined;

  constructor(http: number, csErrorCode: number | undefined, text: string) {
    super(text);
    this.name = 'ApiError';
    this.http = http;
    this.csErrorCode = csErrorCode;
  }
}

export const invalidParameter = (text: string): ApiError => new ApiError(431, 4350, text);
export const missingParameter = (command: string, name: string): ApiError =>
  new ApiError(431, 9999, `Unable to execute API command ${command.toLowerCase()} due to missing parameter ${name}`);
export const unknownEntity = (command: string, name: string, value: string): ApiError =>
  new ApiError(
    431,
    9999,
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ${name} value=${value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`,
  );
export const internalFailure = (text: string): ApiError => new ApiError(530, 4250, text);
export const unauthorised = (): ApiError =>
  new ApiError(401, undefined, 'unable to verify user credentials and/or request signature');

/** What a caller who is not the root admin reads instead of the inside of the cloud. */
const hidden = [530, 533, 534];
export const forEyesOf = (role: 'admin' | 'user', error: ApiError): ApiError =>
  role === 'admin' || !hidden.includes(error.http)
    ? error
    : new ApiError(
        error.http,
        error.csErrorCode,
        'Internal error executing command, please contact your system administrator',
      );

export const permissionDenied = (text: string): ApiError => new ApiError(531, 4365, text);
