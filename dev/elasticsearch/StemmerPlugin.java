package pg2es.dev;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.tartarus.snowball.ext.RussianStemmer;

/** Token filters of type "stemmer" for three languages; the server from Maven comes without any. */
public final class StemmerPlugin extends Plugin implements AnalysisPlugin {
  private static final Map<String, UnaryOperator<TokenStream>> STEMMERS = Map.of(
      "english", PorterStemFilter::new,
      "possessive_english", EnglishPossessiveFilter::new,
      "russian", words -> new SnowballFilter(words, new RussianStemmer()));

  @Override
  public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    return Map.of("stemmer", AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> {
      String language = settings.get("language", settings.get("name", "english"));
      UnaryOperator<TokenStream> stemmer = STEMMERS.get(language);
      if (stemmer == null) {
        throw new IllegalArgumentException(
            "stemmer [" + name + "] has language [" + language + "], this server knows " + STEMMERS.keySet());
      }
      return new StemmerFactory(name, stemmer);
    }));
  }

  private static final class StemmerFactory implements TokenFilterFactory {
    private final String name;
    private final UnaryOperator<TokenStream> stemmer;

    StemmerFactory(String name, UnaryOperator<TokenStream> stemmer) {
      this.name = name;
      this.stemmer = stemmer;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public TokenStream create(TokenStream words) {
      return stemmer.apply(words);
    }
  }
}
