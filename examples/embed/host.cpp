// A host in C++. What its functions throw becomes an error of the script: no exception may leave
// them, for the frames below are C. Its destructors run, for Lua's errors do not pass through them.
//
//     c++ -std=c++17 host.cpp $(pkg-config --cflags --libs rille) -pthread -o host
#include <rille.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

static const char text[] = R"(
  local rille, store = require 'rille', require 'store'
  store.put('city', 'Copernicus')
  print(rille.detach(store.get, 'city'))  -- on another core, from the same store
  print(pcall(store.get, 'lake'))
  print(store.get_later('city'))          -- the fiber waits, the loop goes on
)";

// The domains of the script share it, each on a thread of its own.
class Store {
  std::mutex lock;
  std::map<std::string, std::string> values;

public:
  void put(const std::string &key, const std::string &value) {
    std::lock_guard<std::mutex> guard(lock);
    values[key] = value;
  }
  std::string get(const std::string &key) {
    std::lock_guard<std::mutex> guard(lock);
    return values.at(key); // throws std::out_of_range
  }
};

static std::string string_of(const rille_value &value) {
  return std::string(value.bytes, value.size);
}

// A native function around a function of C++.
template <void (*Body)(rille_frame *frame, Store &store, const rille_value *arguments)>
void native(rille_frame *frame, void *context, const rille_value *arguments) {
  try {
    Body(frame, *static_cast<Store *>(context), arguments);
  } catch (const std::exception &exception) {
    rille_fail(frame, exception.what());
  } catch (...) {
    rille_fail(frame, "an exception");
  }
}

static void put(rille_frame *, Store &store, const rille_value *arguments) {
  store.put(string_of(arguments[0]), string_of(arguments[1]));
}

static void get(rille_frame *frame, Store &store, const rille_value *arguments) {
  std::string value = store.get(string_of(arguments[0]));
  rille_value result = rille_bytes(value.data(), value.size());
  rille_return(frame, &result, 1);
}

// What a library of the host's does that calls back from a thread of its own.
static void get_later(rille_frame *frame, Store &store, const rille_value *arguments) {
  std::string value = store.get(string_of(arguments[0]));
  std::shared_ptr<rille_ticket> ticket(rille_suspend(frame, nullptr, nullptr), rille_release);
  if (!ticket)
    return;
  std::thread([ticket, value] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    rille_value result = rille_bytes(value.data(), value.size());
    rille_resume(ticket.get(), &result, 1);
  }).detach();
}

int main() {
  Store store; // must live as long as the runtime, and is freed after it
  std::unique_ptr<rille_t, decltype(&rille_free)> runtime(rille_new(nullptr), rille_free);
  const struct rille_native functions[] = {{"put", "bytes bytes", native<put>, &store},
                                           {"get", "bytes", native<get>, &store},
                                           {"get_later", "bytes", native<get_later>, &store}};
  if (!runtime || rille_native(runtime.get(), "store", functions, 3) != 0)
    return EXIT_FAILURE;
  rille_script script = {};
  script.name = "=host";
  script.text = text;
  script.size = sizeof text - 1;
  return rille_start(runtime.get(), &script) == 0 ? rille_run(runtime.get()) : EXIT_FAILURE;
}
