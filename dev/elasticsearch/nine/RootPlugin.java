package pg2es.dev;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestHandler;

/** Brings {@link RootHandler} into Elasticsearch 9.5. */
public final class RootPlugin extends Plugin implements ActionPlugin {
  private final Settings settings;

  public RootPlugin(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Collection<RestHandler> getRestHandlers(
      ActionPlugin.RestHandlersServices services, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
    return List.of(new RootHandler(settings));
  }
}
