/** The page has an origin of its own: no file:// page, no http port, nothing that another site could be. */
export const pageScheme = 'ossea';
export const pageOrigin = `${pageScheme}://console`;
export const pageUrl = `${pageOrigin}/`;

export function isPage(url: string): boolean {
  return url === pageUrl || url.startsWith(`${pageUrl}#`) || url === `${pageUrl}index.html`;
}
