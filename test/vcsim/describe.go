package main

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
	"reflect"
	"strings"
)

// The specification of one VM, as the domain's VmSpec has it, in snake_case. What is unknown is null.
type vmRow struct {
	MoRef               string        `json:"mo_ref"`
	InstanceUUID        *string       `json:"instance_uuid"`
	BiosUUID            *string       `json:"bios_uuid"`
	Name                string        `json:"name"`
	FolderPath          string        `json:"folder_path"`
	Datacenter          *string       `json:"datacenter"`
	DatacenterPath      *string       `json:"datacenter_path"`
	Host                *string       `json:"host"`
	HostMoRef           *string       `json:"host_mo_ref"`
	CPUCount            *int32        `json:"cpu_count"`
	MemoryMib           *int32        `json:"memory_mib"`
	Firmware            *string       `json:"firmware"`
	SecureBoot          *bool         `json:"secure_boot"`
	Tpm                 bool          `json:"tpm"`
	GuestID             *string       `json:"guest_id"`
	GuestName           *string       `json:"guest_name"`
	GuestHostName       *string       `json:"guest_host_name"`
	PowerState          string        `json:"power_state"`
	ConnectionState     *string       `json:"connection_state"`
	Tools               toolsRow      `json:"tools"`
	Annotation          *string       `json:"annotation"`
	Snapshots           []snapshotRow `json:"snapshots"`
	ChangeTracking      *bool         `json:"change_tracking"`
	ChangeVersion       *string       `json:"change_version"`
	ConsolidationNeeded *bool         `json:"consolidation_needed"`
	IsTemplate          bool          `json:"is_template"`
	HardwareVersion     *string       `json:"hardware_version"`
	Disks               []diskRow     `json:"disks"`
	Nics                []nicRow      `json:"nics"`
}

type toolsRow struct {
	Running       bool    `json:"running"`
	VersionStatus *string `json:"version_status"`
}

type snapshotRow struct {
	MoRef     string        `json:"mo_ref"`
	Name      string        `json:"name"`
	CreatedAt string        `json:"created_at"`
	State     string        `json:"state"`
	Children  []snapshotRow `json:"children"`
}

type nicRow struct {
	Key            int32    `json:"key"`
	Label          string   `json:"label"`
	Mac            *string  `json:"mac"`
	Adapter        string   `json:"adapter"`
	Network        *string  `json:"network"`
	NetworkMoRef   *string  `json:"network_mo_ref"`
	Connected      *bool    `json:"connected"`
	GuestAddresses []string `json:"guest_addresses"`
}

func describeVM(vm mo.VirtualMachine, folder string, names nameBook) vmRow {
	row := vmRow{
		MoRef:               vm.Self.Value,
		Name:                plainName(vm.Name),
		FolderPath:          folder,
		PowerState:          powerState(vm.Runtime.PowerState),
		ConnectionState:     known(string(vm.Runtime.ConnectionState)),
		ConsolidationNeeded: vm.Runtime.ConsolidationNeeded,
		Snapshots:           []snapshotRow{},
		Disks:               []diskRow{},
		Nics:                []nicRow{},
	}
	row.Datacenter, row.DatacenterPath = names.datacenterOf(folder)
	if host := vm.Runtime.Host; host != nil {
		row.Host, row.HostMoRef = known(names.byRef[*host]), &host.Value
	}
	if vm.Snapshot != nil {
		row.Snapshots = snapshots(vm.Snapshot.RootSnapshotList)
	}
	addresses := make(map[int32][]string)
	if guest := vm.Guest; guest != nil {
		row.GuestHostName = known(guest.HostName)
		row.Tools = toolsRow{
			Running:       guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning),
			VersionStatus: known(guest.ToolsVersionStatus2),
		}
		for _, nic := range guest.Net {
			addresses[nic.DeviceConfigId] = append(addresses[nic.DeviceConfigId], nic.IpAddress...)
		}
	}
	// A VM that cannot be reached has no configuration.
	if vm.Config != nil {
		row.describeConfig(vm.Config)
		devices := object.VirtualDeviceList(vm.Config.Hardware.Device)
		row.Tpm = len(devices.SelectByType((*types.VirtualTPM)(nil))) > 0
		for _, device := range devices.SelectByType((*types.VirtualDisk)(nil)) {
			row.Disks = append(row.Disks, describeDisk(device.(*types.VirtualDisk), devices, names))
		}
		for _, device := range devices.SelectByType((*types.VirtualEthernetCard)(nil)) {
			row.Nics = append(row.Nics, describeNic(device, names, addresses))
		}
	}
	return row
}

func (row *vmRow) describeConfig(config *types.VirtualMachineConfigInfo) {
	row.InstanceUUID = known(config.InstanceUuid)
	row.BiosUUID = known(config.Uuid)
	row.CPUCount = &config.Hardware.NumCPU
	row.MemoryMib = &config.Hardware.MemoryMB
	row.Firmware = known(config.Firmware)
	if config.BootOptions != nil {
		row.SecureBoot = config.BootOptions.EfiSecureBootEnabled
	}
	row.GuestID = known(config.GuestId)
	row.GuestName = known(config.GuestFullName)
	row.Annotation = known(config.Annotation)
	row.HardwareVersion = known(config.Version)
	row.IsTemplate = config.Template
	row.ChangeTracking = config.ChangeTrackingEnabled
	row.ChangeVersion = known(config.ChangeVersion)
}

func snapshots(list []types.VirtualMachineSnapshotTree) []snapshotRow {
	rows := []snapshotRow{}
	for _, one := range list {
		rows = append(rows, snapshotRow{
			MoRef:     one.Snapshot.Value,
			Name:      plainName(one.Name),
			CreatedAt: one.CreateTime.UTC().Format("2006-01-02T15:04:05.000Z"),
			State:     powerState(one.State),
			Children:  snapshots(one.ChildSnapshotList),
		})
	}
	return rows
}

func describeNic(device types.BaseVirtualDevice, names nameBook, addresses map[int32][]string) nicRow {
	card := device.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard()
	row := nicRow{
		Key:            card.Key,
		Label:          label(card.GetVirtualDevice()),
		Mac:            known(card.MacAddress),
		Adapter:        adapter(device),
		GuestAddresses: append([]string{}, addresses[card.Key]...),
	}
	if card.Connectable != nil {
		row.Connected = &card.Connectable.Connected
	}
	switch backing := card.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		row.Network = known(backing.DeviceName)
		if backing.Network != nil {
			row.NetworkMoRef = &backing.Network.Value
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		if group, found := names.portgroups[backing.Port.PortgroupKey]; found {
			row.Network, row.NetworkMoRef = known(names.byRef[group]), &group.Value
		}
	}
	return row
}

// VirtualVmxnet3 is called vmxnet3.
func adapter(device types.BaseVirtualDevice) string {
	name := strings.TrimPrefix(reflect.TypeOf(device).Elem().Name(), "Virtual")
	return strings.ToLower(strings.TrimSuffix(name, "EthernetCard"))
}

func powerState(state types.VirtualMachinePowerState) string {
	switch state {
	case types.VirtualMachinePowerStatePoweredOn:
		return "on"
	case types.VirtualMachinePowerStatePoweredOff:
		return "off"
	default: // suspended
		return string(state)
	}
}

func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func isTrue(flag *bool) bool { return flag != nil && *flag }
