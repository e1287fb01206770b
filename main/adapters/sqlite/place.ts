/** Stands on every volume, mapping, export and operation, so that one database can hold several appliances later. */
export type Place = { readonly environmentId: string; readonly hostId: string };
