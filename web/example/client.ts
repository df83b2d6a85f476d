// A typed client of the mesh for browsers and Node: a unary call and a server stream, on whichever collector has them.
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { createClient, ConnectError, type Client } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { CollectiveDispatcher } from "../src/gen/collector/dispatcher_pb.js";
import { headerNamespace } from "../src/gen/mesh.js";
import { OrderService } from "../src/gen/shop/v1/orders_pb.js";
import { UserService } from "../src/gen/shop/v1/users_pb.js";

/** dispatch calls a method anywhere in the mesh; its types follow from the method. */
export async function dispatch<I extends DescMessage, O extends DescMessage>(
  client: Client<typeof CollectiveDispatcher>, namespace: string, method: DescMethodUnary<I, O>, input: MessageInitShape<I>,
): Promise<{ output: MessageShape<O>; ranOn: string }> {
  const answer = await client.dispatch({
    namespace,
    service: { serviceName: method.parent.typeName },
    methodName: method.name,
    input: anyPack(method.input, create(method.input, input)),
  });
  if (answer.status?.code !== 200) throw new Error(`${answer.status?.details["code"]}: ${answer.status?.message}`);
  return { output: anyUnpack(answer.output!, method.output)!, ranOn: answer.handledByCollectorId };
}

/** tour makes a few calls and returns what came back, in words. */
export async function tour(baseUrl: string): Promise<string[]> {
  const transport = createGrpcWebTransport({ baseUrl });
  const mesh = createClient(CollectiveDispatcher, transport);
  const said: string[] = [];

  const { output, ranOn } = await dispatch(mesh, "users", UserService.method.getUser, { id: "u-1" });
  said.push(`${output.user?.name} has ${output.user?.points} points, says ${ranOn}`); // points is a bigint

  try {
    await dispatch(mesh, "users", UserService.method.getUser, { id: "nobody" });
  } catch (error) {
    said.push(String(error));
  }

  // A method's own path takes any generated client; the header selects the namespace.
  const orders = createClient(OrderService, transport);
  const headers = { [headerNamespace]: "orders" };
  const { order } = await orders.createOrder({ sku: "tea", qty: 2 }, { headers });
  said.push(`ordered ${order?.qty} ${order?.sku}`);

  const leave = new AbortController();
  try {
    for await (const { order } of orders.watchOrders({ sku: "tea" }, { headers, signal: leave.signal })) {
      said.push(`saw ${order?.sku}`);
      leave.abort();
    }
  } catch (error) {
    if (!leave.signal.aborted) throw ConnectError.from(error);
  }
  return said;
}
