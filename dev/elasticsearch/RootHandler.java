package pg2es.dev;

import java.util.List;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.ClusterName;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestRequest.Method;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;

/** Answers GET and HEAD of "/", which clients ask first; the server from Maven has no such route. */
final class RootHandler implements RestHandler {
  private final String answer;

  RootHandler(Settings settings) {
    answer = String.format(
        """
        {
          "name": "%s",
          "cluster_name": "%s",
          "cluster_uuid": "_na_",
          "version": {
            "number": "%s",
            "build_flavor": "default",
            "build_type": "zip",
            "build_snapshot": false,
            "lucene_version": "%s"
          },
          "tagline": "You Know, for Search"
        }
        """,
        settings.get("node.name"), ClusterName.CLUSTER_NAME_SETTING.get(settings).value(),
        Build.current().version(), Version.LATEST);
  }

  @Override
  public List<Route> routes() {
    return List.of(new Route(Method.GET, "/"), new Route(Method.HEAD, "/"));
  }

  @Override
  public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) {
    channel.sendResponse(new RestResponse(RestStatus.OK, "application/json", answer));
  }
}
