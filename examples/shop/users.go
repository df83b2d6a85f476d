package shop

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
)

// Users implements shop.v1.UserService over a fixed list of customers. It is safe for concurrent use.
type Users struct{ list []*shopv1.User }

// NewUsers returns a service that knows the customers u-1, u-2 and u-3.
func NewUsers() *Users {
	joined := timestamppb.New(time.Date(2024, time.May, 1, 12, 0, 0, 0, time.UTC))
	return &Users{list: []*shopv1.User{
		{Id: "u-1", Name: "Ada Lovelace", Email: "ada@example.com", JoinedAt: joined, Points: 120},
		{Id: "u-2", Name: "Grace Hopper", Email: "grace@example.com", JoinedAt: joined, Points: 9007199254740993},
		{Id: "u-3", Name: "Alan Turing", Email: "alan@example.com", JoinedAt: joined},
	}}
}

// GetUser answers one customer.
func (u *Users) GetUser(_ context.Context, req *shopv1.GetUserRequest) (*shopv1.GetUserResponse, error) {
	for _, user := range u.list {
		if user.GetId() == req.GetId() {
			return &shopv1.GetUserResponse{User: user}, nil
		}
	}
	return nil, connect.Errorf(connect.CodeNotFound, "no user %q: the shop knows u-1, u-2 and u-3", req.GetId())
}

// ListUsers answers the customers, ordered by id.
func (u *Users) ListUsers(_ context.Context, req *shopv1.ListUsersRequest) (*shopv1.ListUsersResponse, error) {
	users := u.list
	if limit := int(req.GetLimit()); limit > 0 {
		users = users[:min(limit, len(users))]
	}
	return &shopv1.ListUsersResponse{Users: users}, nil
}
