package main

import (
	"context"

	"connectrpc.com/connect/v2"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// users knows one user. What it does not implement is answered as unimplemented.
type users struct {
	shopv1connect.UnimplementedUserServiceHandler
}

func registerUsers(server *connect.Server) { shopv1connect.RegisterUserServiceHandler(server, users{}) }

func (users) GetUser(_ context.Context, req *shopv1.GetUserRequest) (*shopv1.GetUserResponse, error) {
	if req.GetId() != "u-1" {
		return nil, connect.Errorf(connect.CodeNotFound, "no user %q: there is u-1", req.GetId())
	}
	return &shopv1.GetUserResponse{User: &shopv1.User{Id: "u-1", Name: "Ada Lovelace"}}, nil
}
