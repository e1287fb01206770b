package main

import (
	"context"
	"net/url"

	"github.com/vmware/govmomi/vim25/mo"
)

// Ends everybody's session, as an administrator can: the next call of a client finds itself not authenticated.
func endSessions(address *url.URL, digest string) error {
	ctx := context.Background()
	client, manager, err := logIn(ctx, address, digest)
	if err != nil {
		return err
	}
	own, err := manager.UserSession(ctx)
	if err != nil {
		return err
	}
	var seen mo.SessionManager
	if err := mo.RetrieveProperties(ctx, client, client.ServiceContent.PropertyCollector, manager.Reference(), &seen); err != nil {
		return err
	}
	var others []string
	for _, one := range seen.SessionList {
		if one.Key != own.Key {
			others = append(others, one.Key)
		}
	}
	if len(others) > 0 {
		if err := manager.TerminateSession(ctx, others); err != nil {
			return err
		}
	}
	return manager.Logout(ctx)
}
