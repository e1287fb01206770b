package main

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// How people call what VMs refer to, and the port groups by the key that a NIC says.
type nameBook struct {
	byRef      map[types.ManagedObjectReference]string
	portgroups map[string]types.ManagedObjectReference
	// Paths in the inventory.
	datacenters []string
}

func readNames(ctx context.Context, client *vim25.Client) (nameBook, error) {
	book := nameBook{
		byRef:      make(map[types.ManagedObjectReference]string),
		portgroups: make(map[string]types.ManagedObjectReference),
	}
	datacenters, err := find.NewFinder(client).DatacenterList(ctx, "/...")
	if err != nil {
		return book, err
	}
	for _, datacenter := range datacenters {
		book.datacenters = append(book.datacenters, datacenter.InventoryPath)
	}
	all, err := view.NewManager(client).CreateContainerView(ctx, client.ServiceContent.RootFolder, nil, true)
	if err != nil {
		return book, err
	}
	for _, kind := range []string{"HostSystem", "Datastore", "Network"} {
		var found []mo.ManagedEntity
		if err := all.Retrieve(ctx, []string{kind}, []string{"name"}, &found); err != nil {
			return book, err
		}
		for _, entity := range found {
			book.byRef[entity.Self] = plainName(entity.Name)
		}
	}
	var groups []mo.DistributedVirtualPortgroup
	if err := all.Retrieve(ctx, []string{"DistributedVirtualPortgroup"}, []string{"name", "key"}, &groups); err != nil {
		return book, err
	}
	for _, group := range groups {
		book.byRef[group.Self] = plainName(group.Name)
		book.portgroups[group.Key] = group.Self
	}
	return book, all.Destroy(ctx)
}

// Its name, and its path without the first slash, as /folder wants it.
func (book nameBook) datacenterOf(folder string) (*string, *string) {
	for _, place := range book.datacenters {
		if strings.HasPrefix(folder+"/", place+"/") {
			return known(plainName(path.Base(place))), known(place[1:])
		}
	}
	return nil, nil
}

// A vCenter writes slash, backslash and percent in names as %2f, %5c and %25.
func plainName(written string) string {
	plain, err := url.PathUnescape(written)
	if err != nil {
		return written
	}
	return plain
}
