package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Most objects in a reply, whatever a client asks: a vCenter's own policy may say so, too.
var mostObjects int

// The simulator answers everything at once and knows no tokens. One of these is made for each session.
type pagingCollector struct {
	simulator.PropertyCollector

	rest   map[string]page
	tokens int
}

type page struct {
	objects []types.ObjectContent
	size    int
}

func putPagingCollector(place types.ManagedObjectReference, most int) {
	mostObjects = most
	collector := new(pagingCollector)
	collector.Self = place
	simulator.Map.Put(collector)
}

func (c *pagingCollector) RetrievePropertiesEx(ctx *simulator.Context, r *types.RetrievePropertiesEx) soap.HasFault {
	answer := c.PropertyCollector.RetrievePropertiesEx(ctx, r)
	body, ok := answer.(*methods.RetrievePropertiesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return answer
	}
	size := int(r.Options.MaxObjects)
	if size <= 0 || (mostObjects > 0 && mostObjects < size) {
		size = mostObjects
	}
	if size > 0 {
		body.Res.Returnval = c.turn(page{body.Res.Returnval.Objects, size})
	}
	return body
}

// A token is good for one reply.
func (c *pagingCollector) ContinueRetrievePropertiesEx(r *types.ContinueRetrievePropertiesEx) soap.HasFault {
	rest, known := c.rest[r.Token]
	delete(c.rest, r.Token)
	if !known {
		fault := &types.InvalidArgument{InvalidProperty: "token"}
		return &methods.ContinueRetrievePropertiesExBody{Fault_: simulator.Fault("A specified parameter was not correct: token", fault)}
	}
	return &methods.ContinueRetrievePropertiesExBody{
		Res: &types.ContinueRetrievePropertiesExResponse{Returnval: *c.turn(rest)},
	}
}

func (c *pagingCollector) CancelRetrievePropertiesEx(r *types.CancelRetrievePropertiesEx) soap.HasFault {
	delete(c.rest, r.Token)
	return &methods.CancelRetrievePropertiesExBody{Res: new(types.CancelRetrievePropertiesExResponse)}
}

func (c *pagingCollector) turn(all page) *types.RetrieveResult {
	if len(all.objects) <= all.size {
		return &types.RetrieveResult{Objects: all.objects}
	}
	if c.rest == nil {
		c.rest = make(map[string]page)
	}
	c.tokens++
	token := fmt.Sprint(c.tokens)
	c.rest[token] = page{all.objects[all.size:], all.size}
	return &types.RetrieveResult{Token: token, Objects: all.objects[:all.size]}
}
