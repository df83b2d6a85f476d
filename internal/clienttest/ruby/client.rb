# ruby-grpc, without generated code: see matrix/doc.go for the arguments and what is printed.
require "google/protobuf"
require "google/protobuf/descriptor_pb"
require "google/protobuf/any_pb"
require "grpc"
require "json"

ADDRESS, AUTHORITY, SCHEMA = ARGV
PATIENCE = 10
SERVICE = "collector.testing.v1.EchoService"
POOL = Google::Protobuf::DescriptorPool.generated_pool

Google::Protobuf::FileDescriptorSet.decode(File.binread(SCHEMA)).file.each do |file|
  next if file.name == "google/protobuf/any.proto" # the library has it
  POOL.add_serialized_file(Google::Protobuf::FileDescriptorProto.encode(file))
end

def message(name)
  POOL.lookup("collector.testing.v1.#{name}").msgclass
end

# A stub with a connection of its own.
def stub
  credentials = AUTHORITY.empty? ? :this_channel_is_insecure : GRPC::Core::ChannelCredentials.new(File.read(AUTHORITY))
  GRPC::ClientStub.new(ADDRESS, credentials, channel_args: { "grpc.use_local_subchannel_pool" => 1, "grpc.enable_http_proxy" => 0 })
end

# The arguments that every kind of call begins with.
def call(method, request)
  coder = ->(m) { m.class.encode(m) }
  ["/#{SERVICE}/#{method}", request, coder, message(method == "Nope" ? "EchoResponse" : "#{method}Response").method(:decode)]
end

def soon(seconds = PATIENCE)
  Time.now + seconds
end

def check(want, got)
  raise "want #{want.inspect}, got #{got.inspect}" unless want == got
end

def echo(text = "hi")
  message("EchoRequest").new(text: text)
end

# The error of a call that must fail.
def refused
  answer = yield
rescue GRPC::BadStatus => error
  error
else
  raise "no error but #{answer.inspect}"
end

CELLS = {
  "unary" => lambda do |s|
    check("hi on b", s.request_response(*call("Echo", echo), deadline: soon).text)
  end,
  "server stream" => lambda do |s|
    answers = s.server_streamer(*call("Count", message("CountRequest").new(limit: 3)), deadline: soon)
    check([1, 2, 3], answers.map(&:number))
  end,
  "client stream" => lambda do |s|
    numbers = (0..9).map { |n| message("CollectRequest").new(number: n) }
    check(45, s.client_streamer(*call("Collect", numbers), deadline: soon).sum)
  end,
  # The second question is asked when the first one is answered.
  "bidi" => lambda do |s|
    questions = Queue.new
    questions << message("ConverseRequest").new(text: "one")
    sent = Enumerator.new { |y| while (question = questions.pop) do y << question end }
    answers = s.bidi_streamer(*call("Converse", sent), deadline: soon).map do |answer|
      questions << (answer.text.start_with?("one") ? message("ConverseRequest").new(text: "two") : nil)
      answer.text
    end
    check(["one on b", "two on b"], answers)
  end,
  "deadline" => lambda do |s|
    left = s.request_response(*call("Echo", echo("remaining")), deadline: soon(5)).text.to_i
    check(true, left > 1000 && left <= 5000)
    check(4, refused { s.request_response(*call("Echo", echo("wait")), deadline: soon(0.3)) }.code)
  end,
  "metadata" => lambda do |s|
    bytes = "\x00\x01\xFE\xFF".b
    operation = s.request_response(*call("Echo", echo), deadline: soon, return_op: true,
                                   metadata: { "x-echo" => "hello", "x-echo-bin" => bytes })
    operation.execute
    { "header" => operation.metadata, "trailer" => operation.trailing_metadata }.each do |where, got|
      check("hello", got["x-echo-#{where}"])
      check(bytes, got["x-echo-#{where}-bin"]&.b)
    end
  end,
  "error details" => lambda do |s|
    request = message("FailRequest").new(code: 9, message: "why", detail: "more")
    error = refused { s.request_response(*call("Fail", request), deadline: soon) }
    check([9, "why"], [error.code, error.details])
    status = POOL.lookup("google.rpc.Status").msgclass.decode(error.metadata["grpc-status-details-bin"])
    check([9, "why", 1], [status.code, status.message, status.details.size])
    check("type.googleapis.com/collector.testing.v1.FailRequest", status.details[0].type_url)
    check("more", message("FailRequest").decode(status.details[0].value).detail)
  end,
  "unknown method" => lambda do |s|
    error = refused { s.request_response(*call("Nope", echo), deadline: soon) }
    check([12, true], [error.code, error.details.include?("Nope")])
  end,
  "unknown namespace" => lambda do |s|
    error = refused { s.request_response(*call("Echo", echo), deadline: soon, metadata: { "collective-namespace" => "nowhere" }) }
    check([5, true], [error.code, error.details.include?("nowhere")])
  end,
  "together" => lambda do |s|
    calls = Array.new(100) do
      Thread.new { s.request_response(*call("Echo", echo("together")), deadline: soon, metadata: { "x-echo" => "ruby #{$$}" }) }
    end
    check(["together on b"], calls.map { |t| t.report_on_exception = false; t.value.text }.uniq)
  end,
  "big header" => lambda do |s|
    operation = s.request_response(*call("Echo", echo("wait")), deadline: soon, return_op: true)
    waits = Thread.new { refused { operation.execute }.code }
    s.request_response(*call("Echo", echo), deadline: soon)
    error = refused { s.request_response(*call("Echo", echo), deadline: soon, metadata: { "x-big" => "x" * (40 << 10) }) }
    check(8, error.code)
    check("hi on b", s.request_response(*call("Echo", echo), deadline: soon).text)
    operation.cancel
    check(1, waits.value) # not before it was told so
  end
}.freeze

CELLS.each do |cell, ask|
  line = { cell: cell }
  begin
    ask.call(stub)
  rescue StandardError => error
    line[:problem] = "#{error.class}: #{error.message}"
  end
  puts JSON.generate(line)
  $stdout.flush
end
