// What the recognizer takes and gives, and how much memory it needs.
#ifndef MODEL_H_
#define MODEL_H_

extern const unsigned char kModel[];
extern const unsigned int kModelBytes;

constexpr int kSampleRate = {{sample_rate}};  // Hz
constexpr int kSamples = {{n_samples}};
constexpr int kArenaBytes = {{arena}};
constexpr int kWordCount = {{n_words}};
constexpr const char* kWords[] = {{{words}}};

#endif  // MODEL_H_
