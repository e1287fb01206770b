package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The simulator's disks are 1 MiB with an empty file behind them, and say their size in KiB only.
func sizeDisks(sizeBytes int64) {
	if sizeBytes == 0 {
		return
	}
	folders := datastoreFolders()
	for _, item := range simulator.Map.All("VirtualMachine") {
		devices := object.VirtualDeviceList(item.(*simulator.VirtualMachine).Config.Hardware.Device)
		for _, device := range devices.SelectByType((*types.VirtualDisk)(nil)) {
			disk := device.(*types.VirtualDisk)
			disk.CapacityInBytes = sizeBytes
			disk.CapacityInKB = sizeBytes / 1024
			backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			var place object.DatastorePath
			place.FromString(backing.FileName)
			flat := strings.TrimSuffix(place.Path, ".vmdk") + "-flat.vmdk"
			file, err := os.OpenFile(filepath.Join(folders[place.Datastore], flat), os.O_WRONLY|os.O_CREATE, 0600)
			check(err)
			check(file.Truncate(sizeBytes))
			check(file.Close())
		}
	}
}
