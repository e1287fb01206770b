package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
)

// The certificate is known by its digest, so nothing else is asked of it.
func logIn(ctx context.Context, address *url.URL, digest string) (*vim25.Client, *session.Manager, error) {
	transport := soap.NewClient(address, true)
	transport.DefaultTransport().TLSClientConfig.VerifyPeerCertificate = func(chain [][]byte, _ [][]*x509.Certificate) error {
		seen := sha256.Sum256(chain[0])
		if hex.EncodeToString(seen[:]) != digest {
			return fmt.Errorf("the certificate is %x, not %s", seen, digest)
		}
		return nil
	}
	client, err := vim25.NewClient(ctx, transport)
	if err != nil {
		return nil, nil, err
	}
	manager := session.NewManager(client)
	return client, manager, manager.Login(ctx, address.User)
}
