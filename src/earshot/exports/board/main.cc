// Reads {{seconds}} s of 16-bit audio, one channel at {{sample_rate}} Hz, and prints the word in it.
#include <cstdint>
#include <cstdio>

#include "model.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) uint8_t arena[kArenaBytes];
int16_t audio[kSamples];

// On a board, fill the samples from its microphone here. What is missing stays silent.
void ReadAudio() { (void)!std::fread(audio, sizeof(int16_t), kSamples, stdin); }

}  // namespace

int main() {
  tflite::MicroMutableOpResolver<{{n_operators}}> resolver;
{{added}}
  tflite::MicroInterpreter interpreter(tflite::GetModel(kModel), resolver, arena, kArenaBytes);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    std::printf("The arena of %d bytes is too small.\n", kArenaBytes);
    return 1;
  }

  ReadAudio();
  float* samples = interpreter.input(0)->data.f;  // fill it anew before each Invoke()
  for (int i = 0; i < kSamples; ++i) samples[i] = audio[i] / 32768.0f;
  if (interpreter.Invoke() != kTfLiteOk) {
    std::printf("The network did not run.\n");
    return 1;
  }

  const float* probabilities = interpreter.output(0)->data.f;
  int best = 0;
  for (int i = 1; i < kWordCount; ++i) {
    if (probabilities[i] > probabilities[best]) best = i;
  }
  std::printf("%s (%.1f %%)\n", kWords[best], 100.0 * probabilities[best]);
  return 0;
}
