package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path"
	"sort"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Single properties and not "config" as a whole: a reply for thousands of VMs stays small.
var wanted = []string{
	"name", "runtime.host", "runtime.powerState", "runtime.connectionState", "runtime.consolidationNeeded", "snapshot",
	"config.instanceUuid", "config.uuid", "config.version", "config.changeVersion", "config.template", "config.annotation",
	"config.firmware", "config.bootOptions", "config.guestId", "config.guestFullName", "config.changeTrackingEnabled",
	"config.hardware.numCPU", "config.hardware.memoryMB", "config.hardware.device",
	"guest.hostName", "guest.toolsRunningStatus", "guest.toolsVersionStatus2", "guest.net",
}

// Prints all VMs as one JSON array, sorted by moRef, as govmomi's own finder and property collector see them.
func list(arguments []string) {
	flags := flag.NewFlagSet("list", flag.ExitOnError)
	address := flags.String("url", "", "https://HOST:PORT/sdk")
	username := flags.String("username", "", "user")
	passwordFile := flags.String("password-file", "", "file with the user's password")
	digest := flags.String("certificate-sha256", "", "digest of the certificate, 64 hex digits")
	check(flags.Parse(arguments))

	ctx := context.Background()
	where, err := soap.ParseURL(*address)
	check(err)
	where.User = readUser(*username, *passwordFile)
	client, manager, err := logIn(ctx, where, *digest)
	check(err)
	vms, err := readVMs(ctx, client)
	check(err)
	check(manager.Logout(ctx))

	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	// Names are shown as they are.
	out.SetEscapeHTML(false)
	check(out.Encode(vms))
}

func readVMs(ctx context.Context, client *vim25.Client) ([]vmRow, error) {
	rows := []vmRow{}
	found, err := find.NewFinder(client).VirtualMachineList(ctx, "/...")
	if _, none := err.(*find.NotFoundError); none {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	folders := make(map[types.ManagedObjectReference]string)
	var refs []types.ManagedObjectReference
	for _, vm := range found {
		folders[vm.Reference()] = path.Dir(vm.InventoryPath)
		refs = append(refs, vm.Reference())
	}
	var vms []mo.VirtualMachine
	collector := property.DefaultCollector(client)
	if err := collector.Retrieve(ctx, refs, wanted, &vms); err != nil {
		return nil, err
	}
	names, err := readNames(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, vm := range vms {
		rows = append(rows, describeVM(vm, folders[vm.Reference()], names))
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].MoRef < rows[j].MoRef })
	return rows, nil
}
