package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

type diskRow struct {
	Key            int32    `json:"key"`
	Label          string   `json:"label"`
	Unit           *string  `json:"unit"`
	Controller     *string  `json:"controller"`
	CapacityBytes  int64    `json:"capacity_bytes"`
	Datastore      *string  `json:"datastore"`
	DatastoreMoRef *string  `json:"datastore_mo_ref"`
	VmdkPath       *string  `json:"vmdk_path"`
	ParentPaths    []string `json:"parent_paths"`
	Provisioning   *string  `json:"provisioning"`
	Mode           *string  `json:"mode"`
	Sharing        string   `json:"sharing"`
	Rdm            *string  `json:"rdm"`
	Encrypted      bool     `json:"encrypted"`
	UUID           *string  `json:"uuid"`
	Backing        *string  `json:"backing"`
	ChangeID       *string  `json:"change_id"`
}

func describeDisk(disk *types.VirtualDisk, devices object.VirtualDeviceList, names nameBook) diskRow {
	row := diskRow{
		Key:           disk.Key,
		Label:         label(&disk.VirtualDevice),
		CapacityBytes: disk.CapacityInBytes,
		ParentPaths:   []string{},
		Sharing:       "none",
	}
	if row.CapacityBytes == 0 {
		row.CapacityBytes = disk.CapacityInKB * 1024
	}
	if controller, ok := devices.FindByKey(disk.ControllerKey).(types.BaseVirtualController); ok {
		row.describePlace(controller, disk.UnitNumber)
	}
	if file, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		place := file.GetVirtualDeviceFileBackingInfo()
		row.Backing = known(reflect.TypeOf(disk.Backing).Elem().Name())
		row.VmdkPath = known(place.FileName)
		if place.Datastore != nil {
			row.Datastore, row.DatastoreMoRef = known(names.byRef[*place.Datastore]), &place.Datastore.Value
		}
	}
	row.describeBacking(disk.Backing)
	return row
}

func (row *diskRow) describeBacking(backing types.BaseVirtualDeviceBackingInfo) {
	switch file := backing.(type) {
	case *types.VirtualDiskFlatVer2BackingInfo:
		row.Provisioning = known(provisioning(file))
		row.Mode, row.UUID, row.ChangeID = known(file.DiskMode), known(file.Uuid), known(file.ChangeId)
		row.Encrypted = file.KeyId != nil
		row.shareIf(file.Sharing)
		for parent := file.Parent; parent != nil; parent = parent.Parent {
			row.ParentPaths = append(row.ParentPaths, parent.FileName)
		}
	case *types.VirtualDiskSeSparseBackingInfo:
		row.Provisioning = known("thin")
		row.Mode, row.UUID, row.ChangeID = known(file.DiskMode), known(file.Uuid), known(file.ChangeId)
		row.Encrypted = file.KeyId != nil
		for parent := file.Parent; parent != nil; parent = parent.Parent {
			row.ParentPaths = append(row.ParentPaths, parent.FileName)
		}
	case *types.VirtualDiskRawDiskMappingVer1BackingInfo:
		row.Rdm = known(strings.TrimSuffix(file.CompatibilityMode, "Mode"))
		row.Mode, row.UUID, row.ChangeID = known(file.DiskMode), known(file.Uuid), known(file.ChangeId)
		row.shareIf(file.Sharing)
		for parent := file.Parent; parent != nil; parent = parent.Parent {
			row.ParentPaths = append(row.ParentPaths, parent.FileName)
		}
	}
}

func provisioning(file *types.VirtualDiskFlatVer2BackingInfo) string {
	switch {
	case isTrue(file.ThinProvisioned):
		return "thin"
	case isTrue(file.EagerlyScrub):
		return "eager"
	default:
		return "lazy"
	}
}

func (row *diskRow) shareIf(sharing string) {
	if sharing == string(types.VirtualDiskSharingSharingMultiWriter) {
		row.Sharing = "multi_writer"
	}
}

// As vSphere's own pages show it: SCSI (0:1). A bus that VMs share makes each of its disks shared.
func (row *diskRow) describePlace(controller types.BaseVirtualController, unit *int32) {
	row.Controller = known(reflect.TypeOf(controller).Elem().Name())
	kind := ""
	switch place := controller.(type) {
	case types.BaseVirtualSCSIController:
		kind = "SCSI"
		switch place.GetVirtualSCSIController().SharedBus {
		case types.VirtualSCSISharingVirtualSharing:
			row.Sharing = "virtual_bus"
		case types.VirtualSCSISharingPhysicalSharing:
			row.Sharing = "physical_bus"
		}
	case types.BaseVirtualSATAController:
		kind = "SATA"
	case *types.VirtualNVMEController:
		kind = "NVMe"
	case *types.VirtualIDEController:
		kind = "IDE"
	}
	if kind != "" && unit != nil {
		row.Unit = known(fmt.Sprintf("%s (%d:%d)", kind, controller.GetVirtualController().BusNumber, *unit))
	}
}

func label(device *types.VirtualDevice) string {
	if device.DeviceInfo == nil {
		return ""
	}
	return device.DeviceInfo.GetDescription().Label
}
