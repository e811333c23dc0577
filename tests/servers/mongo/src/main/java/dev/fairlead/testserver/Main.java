package dev.fairlead.testserver;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Serves an empty in-memory database on loopback until it is told to stop. Argument: the port, 0 or none for any free one. */
public final class Main {

  /** PyMongo refuses servers below wire version 9; what the store uses works here all the same. */
  private static final class Version44 implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }

  private Main() {}

  public static void main(String[] arguments) {
    int port = arguments.length == 0 ? 0 : Integer.parseInt(arguments[0]);
    MongoServer server = new MongoServer(new MemoryBackend().version(new Version44()));
    server.bind("127.0.0.1", port);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
    System.out.flush();
  }
}
