/** What the user of the lab's vCenter may do, unless the lab's control takes some of it away. */
export const privileges = [
  'System.Anonymous',
  'System.View',
  'System.Read',
  'Sessions.ValidateSession',
  'Global.DisableMethods',
  'Global.EnableMethods',
  'Datastore.Browse',
  'Datastore.FileManagement',
  'VirtualMachine.Interact.PowerOn',
  'VirtualMachine.Interact.PowerOff',
  'VirtualMachine.Config.ChangeTracking',
  'VirtualMachine.Config.DiskLease',
  'VirtualMachine.Provisioning.DiskRandomAccess',
  'VirtualMachine.Provisioning.DiskRandomRead',
  'VirtualMachine.State.CreateSnapshot',
  'VirtualMachine.State.RemoveSnapshot',
  'VApp.Export',
] as const;

export type Privilege = (typeof privileges)[number];
